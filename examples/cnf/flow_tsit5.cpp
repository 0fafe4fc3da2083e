/// \file
/// Flows solved by Tsit5.
#include <examples/cnf/train_flow.hpp>

template examples::cnf::TrainedFlow examples::cnf::train_flow_with<pathline::Tsit5>(
    const Split&, const Options&, const std::function<void(const Epoch&)>&);
template examples::cnf::TrainedFlow examples::cnf::load_flow_with<pathline::Tsit5>(Index, const Options&);
