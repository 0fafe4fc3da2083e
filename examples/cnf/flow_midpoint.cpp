/// \file
/// Flows solved by Midpoint.
#include <examples/cnf/train_flow.hpp>

template examples::cnf::TrainedFlow examples::cnf::train_flow_with<pathline::Midpoint>(
    const Split&, const Options&, const std::function<void(const Epoch&)>&);
