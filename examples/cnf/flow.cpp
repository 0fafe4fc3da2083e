/// \file
/// From the name of a solver to the translation unit that knows it.
#include <examples/cnf/flow.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

namespace examples::cnf {

template <class Solver>
[[nodiscard]] TrainedFlow train_flow_with(const Split& split, const Options& options,
                                          const std::function<void(const Epoch&)>& on_epoch);  // train_flow.hpp

TrainedFlow train_flow(const Split& split, const Options& options, const std::function<void(const Epoch&)>& on_epoch) {
  if (options.solver == "dopri5") return train_flow_with<pathline::Dopri5>(split, options, on_epoch);
  if (options.solver == "tsit5") return train_flow_with<pathline::Tsit5>(split, options, on_epoch);
  if (options.solver == "bosh3") return train_flow_with<pathline::BogackiShampine>(split, options, on_epoch);
  if (options.solver == "rk4") return train_flow_with<pathline::Rk4>(split, options, on_epoch);
  throw pathline::ArgumentError("--solver", options.solver, "dopri5, tsit5, bosh3 or rk4");
}

}  // namespace examples::cnf
