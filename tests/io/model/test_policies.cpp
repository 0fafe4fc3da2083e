/// \file
/// Policies without numbers of data in files: names and settings, of every policy of the library.
#include <pathline/io/model/policies.hpp>

#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/io/model/gradients.hpp>
#include <pathline/io/model/solvers.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/tableaux.hpp>
#include <pathline/ode/reversible/reversible_methods.hpp>
#include <pathline/ode/symplectic/symplectic_methods.hpp>

#include <support/catch.hpp>
#include <support/part_round_trip.hpp>

#include <limits>
#include <ratio>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace {

using namespace pathline;

std::string text(const io::Description& description, const std::string& name) {
  const auto found = description.texts().find("part." + name);
  return found == description.texts().end() ? "missing" : found->second;
}

}  // namespace

TEST_CASE("io: policies are read with their settings", "[io]") {
  CHECK(round_trip(Hutchinson<Gaussian>{.probes = 3}).probes == 3);
  CHECK(round_trip(OrthogonalHutchinson{.probes = 4}).probes == 4);
  CHECK(round_trip(AntitheticHutchinson<>{.pairs = 2, .split = ProbeHalves::in_the_middle}).split ==
        ProbeHalves::in_the_middle);
  CHECK(round_trip(HutchPlusPlus{.directions = 1, .probes = 5}).directions == 1);
  (void)round_trip(ExactTrace{});
  (void)round_trip(ClosedFormTrace{});
  const std::uint64_t seed = std::numeric_limits<std::uint64_t>::max();
  CHECK(round_trip(EvaluationTrace{Hutchinson<>{.probes = 7}, seed}).seed == seed);
  CHECK(round_trip(EvaluationSolver{Rk4{}, FixedSteps(6)}).control.steps_per_interval == 6);

  CHECK(round_trip(KineticEnergy{.weight = 0.1}).weight == 0.1);
  CHECK(round_trip(JacobianNorm{.weight = 1. / 3}).weight == 1. / 3);
  CHECK(round_trip(HamiltonJacobiBellman{.weight = 5}).weight == 5);
  CHECK(round_trip(DirectionalDerivative{.weight = 2}).weight == 2);
  CHECK(round_trip(Jerk{.weight = 3}).weight == 3);
  CHECK(round_trip(LikelihoodWeight{.weight = 100}).weight == 100);

  (void)round_trip(FixedEndTime{});
  CHECK(round_trip(Steer{.half_width = 0.25}).half_width == 0.25);
  CHECK(round_trip(SteerAbsolute{.half_width = 0.75}).half_width == 0.75);
  CHECK(round_trip(TimeSpan{.data = 2, .base = -1}).base == -1);
  CHECK(round_trip(ChunkWidth{.columns = 9}).columns == 9);
}

TEST_CASE("io: step controls are read with their settings", "[io]") {
  const PiController read = round_trip(PiController{.rtol = 1e-7, .atol = 0, .max_steps = 12, .k_P = 0.1});
  CHECK(read.rtol == 1e-7);
  CHECK(read.atol == 0);
  CHECK(read.max_step == std::numeric_limits<double>::infinity());
  CHECK(read.max_steps == 12);
  CHECK(read.k_P == 0.1);
  CHECK(text(described(read), "max_step") == "inf");
  CHECK(round_trip(PidController{.k_D = 0.2}).k_D == 0.2);
  CHECK(round_trip(IController{.safety = 0.8}).safety == 0.8);
  CHECK(round_trip(FixedSteps(3)).steps_per_interval == 3);
  CHECK(round_trip(WithNorm(PiController{}, TopRowsSeminorm<MaxSampleNorm>{.rows = 2})).norm.rows == 2);
  CHECK(round_trip(PerSample(PiController{.rtol = 1e-7}, 16)).column_multiple == 16);
  const Eigen::Vector2d tolerances(1e-3, 1e-5);
  CHECK(round_trip(WithTolerances(IController{.rtol = 1e-2}, tolerances, tolerances)).row_atol() == tolerances);
}

TEST_CASE("io: settings that no policy can have are refused by name", "[io][errors]") {
  const auto refused = [](const auto& part) {
    using P = std::remove_cvref_t<decltype(part)>;
    const io::TensorFile file = part_file(part);
    io::detail::ReadingState state(file, io::Rounding::refuse);
    CHECK_FALSE(io::ModelReader(state).part<P>("part"));
    return state.differences.empty() ? "" : state.differences[0];
  };
  CHECK(refused(Hutchinson<Gaussian>{.probes = 0}) == "part: Hutchinson: probes is 0, expected at least 1");
  CHECK(refused(OrthogonalHutchinson{.probes = -4}).find("probes is -4") != std::string::npos);
  CHECK(refused(AntitheticHutchinson<>{.pairs = 0}).find("pairs is 0") != std::string::npos);
  CHECK(refused(HutchPlusPlus{.directions = 0, .probes = 5}).find("directions is 0") != std::string::npos);
  CHECK(refused(WithNorm(PiController{}, TopRowsSeminorm<MaxSampleNorm>{.rows = 0})) ==
        "part.norm: rows is 0, expected at least 1");
  CHECK(refused(Backpropagation<RecomputeStages, ErrorEstimateCost<Dopri5>>{.step_cost = {.weight = 4, .rows = -1}}) ==
        "part.step_cost: rows is -1, expected 0 (all) or a positive number");
  CHECK(refused(Backpropagation<Checkpoints>{.storage = {.count = 0}}) ==
        "part.storage: count is 0, expected at least 1");
  PerSample wide(PiController{});
  wide.column_multiple = Index(1) << 62;
  CHECK(refused(wide).find("part: PerSample: column_multiple is 4611686018427387904, expected") == 0);
  CHECK(refused(EvaluationSolver{Dopri5{}, PiController{.max_step = -1}}).find("part.step_control: solve: max_step") ==
        0);
}

TEST_CASE("io: solvers and gradient methods are told apart by their names", "[io]") {
  CHECK(described(Dop853{}).texts().at("part") == "Dop853");
  (void)round_trip(Tsit5{});
  CHECK(described(ReversibleHeun{}).texts().at("part") == "ReversibleHeun");
  CHECK(described(Yoshida6{}).texts().at("part") == "Yoshida6");
  CHECK(text(described(round_trip(Reversible<Dopri5, std::ratio<9, 10>>{})), "coupling") == "9/10");
  CHECK(round_trip(Adjoint{.norm = AdjointNorm::full}).norm == AdjointNorm::full);
  CHECK(std::get<PiController>(round_trip(AdjointBy{PiController{.rtol = 1e-9}, Dopri5{}}).policies).rtol == 1e-9);
  InterpolatedAdjoint<> interpolated;
  interpolated.norm = AdjointNorm::full;
  CHECK(round_trip(interpolated).norm == AdjointNorm::full);
  CHECK(text(described(interpolated), "solver") == "the flow's");
  using WithCost = Backpropagation<RecomputeStages, ErrorEstimateCost<Dopri5>>;
  const WithCost read =
      round_trip(WithCost{.step_cost = {.weight = 4, .rows = 2}, .outputs = OutputTimes::interpolate});
  CHECK(read.step_cost.rows == 2);
  CHECK(read.outputs == OutputTimes::interpolate);
  CHECK(text(described(read), "storage") == "RecomputeStages");
  CHECK(round_trip(Backpropagation<Checkpoints>{.storage = {.count = 5}}).storage.count == 5);
  CHECK(round_trip(Backpropagation<MemoryBudget>{.storage = {.bytes = 12345}}).storage.bytes == 12345);

  const io::TensorFile of_adjoint = part_file(AdjointBy{Dopri5{}});
  io::detail::ReadingState way_back(of_adjoint, io::Rounding::refuse);
  CHECK_FALSE(io::ModelReader(way_back).part<AdjointBy<Tsit5, FixedSteps>>("part"));
  CHECK(way_back.differences == std::vector<std::string>{"part.solver: the file has Dopri5, the program Tsit5",
                                                         "part.step_control: the file has the flow's, the program "
                                                         "FixedSteps"});

  const io::TensorFile file = part_file(read);
  io::detail::ReadingState state(file, io::Rounding::refuse);
  CHECK_FALSE(io::ModelReader(state).part<Backpropagation<>>("part"));
  CHECK(state.differences ==
        std::vector<std::string>{"part.storage: the file has RecomputeStages, the program KeepTapes",
                                 "part.step_cost: the file has ErrorEstimateCost, the program NoStepCost"});

  const io::TensorFile reversible = part_file(Reversible<Dopri5>{});
  io::detail::ReadingState other(reversible, io::Rounding::refuse);
  CHECK_FALSE(io::ModelReader(other).part<Reversible<Tsit5, std::ratio<1>>>("part"));
  CHECK(other.differences == std::vector<std::string>{"part.method: the file has Dopri5, the program Tsit5",
                                                      "part.coupling: the file has 99/100, the program 1/1"});
}
