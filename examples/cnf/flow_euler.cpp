/// \file
/// Flows solved by Euler.
#include <examples/cnf/train_flow.hpp>

template examples::cnf::TrainedFlow examples::cnf::train_flow_with<pathline::Euler>(
    const Split&, const Options&, const std::function<void(const Epoch&)>&);
