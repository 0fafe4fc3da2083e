/// \file
/// The field's arithmetic, which is most of what a flow computes, for all solvers.
#include <examples/cnf/solved_flow.hpp>

template struct pathline::detail::LayerSweeps<examples::cnf::Field::Layers>;
