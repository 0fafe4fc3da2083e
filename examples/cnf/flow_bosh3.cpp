/// \file
/// Flows solved by BogackiShampine.
#include <examples/cnf/flow_by_solver.hpp>

#include <pathline/ode/explicit/tableaux.hpp>

template std::unique_ptr<examples::cnf::SolvedFlow> examples::cnf::make_flow<pathline::BogackiShampine>(
    const Field&, const Transform&, const Options&);
