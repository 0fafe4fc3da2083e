/// \file
/// Flows solved by BogackiShampine.
#include <examples/cnf/train_flow.hpp>

template examples::cnf::TrainedFlow examples::cnf::train_flow_with<pathline::BogackiShampine>(
    const Split&, const Options&, const std::function<void(const Epoch&)>&);
template examples::cnf::TrainedFlow examples::cnf::load_flow_with<pathline::BogackiShampine>(Index, const Options&);
