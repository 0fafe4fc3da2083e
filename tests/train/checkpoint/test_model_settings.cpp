// The settings of a model's policies, as a checkpoint names them.
#include <pathline/train/checkpoint/model_settings.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/end_time/steer.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/regularizer/jacobian_norm.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>

#include <Eigen/Core>

#include <support/catch.hpp>

#include <map>
#include <string>

using namespace pathline;

namespace {

struct WeightsOfRows {
  Eigen::Vector2d weight{1, 2};
  Index probes = 3;
};
struct OwnNames {
  double strength = 0.25;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("strength", strength);
    visit("kind", "soft");
  }
};

}  // namespace

TEST_CASE("A model's policies are asked for their settings by name", "[train][checkpoint]") {
  Rng rng(1);
  const Cnf flow(Network<Linear<double>>(Linear<double>(2, 2, 1), rng), Hutchinson<Rademacher>{.probes = 3},
                 PiController{.rtol = 1e-4, .k_P = 0.25}, Adjoint{.norm = AdjointNorm::full},
                 KineticEnergy{.weight = 2}, JacobianNorm{.weight = 0.5},
                 EvaluationTrace{Hutchinson<>{.probes = 7}, 11}, EvaluationSolver{Dopri5{}, FixedSteps(6)},
                 Steer{.half_width = 0.125}, LikelihoodWeight{9}, TimeSpan{.data = 1, .base = 0}, ChunkWidth{40});
  detail::SettingsList list;
  detail::add_settings_of_model(flow, list);
  std::map<std::string, std::string> settings(list.settings().begin(), list.settings().end());
  const std::map<std::string, std::string> expected{{"step_control.rtol", "0.0001"},
                                                    {"step_control.k_P", "0.25"},
                                                    {"step_control.max_steps", "10000"},
                                                    {"step_control.max_step", "inf"},
                                                    {"gradient.norm", "1"},
                                                    {"chunk_width.columns", "40"},
                                                    {"trace.probes", "3"},
                                                    {"evaluation_trace.estimator.probes", "7"},
                                                    {"evaluation_trace.seed", "11"},
                                                    {"evaluation_solver.step_control.steps_per_interval", "6"},
                                                    {"end_time.half_width", "0.125"},
                                                    {"likelihood_weight.weight", "9"},
                                                    {"time_span.data", "1"},
                                                    {"time_span.base", "0"},
                                                    {"regularizers.0.weight", "2"},
                                                    {"regularizers.1.weight", "0.5"}};
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(settings["model: " + name] == value);
  }
  detail::SettingsList none;
  detail::add_settings_of_model(flow.field(), none);  // a field by itself has no policies
  CHECK(none.settings().empty());

  detail::add_settings_of_policy("a", WeightsOfRows{}, none);
  detail::add_settings_of_policy("b", OwnNames{}, none);
  CHECK(none.settings() == RunSettings{{"a.probes", "3"}, {"b.strength", "0.25"}, {"b.kind", "soft"}});
}
