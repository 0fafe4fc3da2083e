/// \file
/// Flows solved by Rk4.
#include <examples/cnf/train_flow.hpp>

template examples::cnf::TrainedFlow examples::cnf::train_flow_with<pathline::Rk4>(
    const Split&, const Options&, const std::function<void(const Epoch&)>&);
template examples::cnf::TrainedFlow examples::cnf::load_flow_with<pathline::Rk4>(Index, const Options&);
