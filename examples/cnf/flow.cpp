/// \file
/// From the name of a solver to the translation unit that knows it.
#include <examples/cnf/flow.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

namespace examples::cnf {

// train_flow.hpp
template <class Solver>
[[nodiscard]] TrainedFlow train_flow_with(const Split& split, const Options& options,
                                          const std::function<void(const Epoch&)>& on_epoch);
template <class Solver>
[[nodiscard]] TrainedFlow load_flow_with(Index columns, const Options& options);

namespace {

template <class Of>
[[nodiscard]] TrainedFlow with_solver(const std::string& name, Of&& of) {
  if (name == "dopri5") return of(pathline::Dopri5{});
  if (name == "tsit5") return of(pathline::Tsit5{});
  if (name == "bosh3") return of(pathline::BogackiShampine{});
  if (name == "rk4") return of(pathline::Rk4{});
  throw pathline::ArgumentError("--solver", name, "dopri5, tsit5, bosh3 or rk4");
}

}  // namespace

TrainedFlow train_flow(const Split& split, const Options& options, const std::function<void(const Epoch&)>& on_epoch) {
  return with_solver(options.solver,
                     [&]<class Solver>(Solver /*by*/) { return train_flow_with<Solver>(split, options, on_epoch); });
}

TrainedFlow load_flow(Index columns, const Options& options) {
  return with_solver(options.solver,
                     [&]<class Solver>(Solver /*by*/) { return load_flow_with<Solver>(columns, options); });
}

}  // namespace examples::cnf
