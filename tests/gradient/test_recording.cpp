#include <pathline/gradient/explicit_step_pullback.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/stepper_pool.hpp>

#include <support/catch.hpp>
#include <support/gradient_problem.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

using G = GradientProblem::G;

// Record storages without one thing each: a deleted function hides the inherited one.
struct NoSlotSize : KeepTapes {
  template <class... A>
  static Index slot_size(const A&...) = delete;
};
struct NoEvaluate : KeepTapes {
  template <class... A>
  static void evaluate(const A&...) = delete;
};
struct NoPullback : RecomputeStages {
  template <class... A>
  static void pullback(const A&...) = delete;
};
static_assert(RecordStorage<KeepTapes> && RecordStorage<RecomputeStages>);
static_assert(!RecordStorage<NoSlotSize> && !RecordStorage<NoEvaluate> && !RecordStorage<NoPullback>);
static_assert(!RecordStorage<int>);
static_assert(MethodWithPullback<Dopri5> && MethodWithPullback<Rk4> && MethodWithPullback<Dop853>);
static_assert(MethodWithPullback<ImplicitEuler> && MethodWithPullback<AdamsBashforth<4>>);
static_assert(!MethodWithPullback<PiController> && !MethodWithPullback<int>);
static_assert(Dynamics<DynamicsView<float>> && Dynamics<DynamicsView<double>>);

/// What the way back needs to know of a record: which evaluation served which stage.
struct Recorded {
  GradientProblem problem;
  G dynamics{problem.field, 3};
  Workspace<double> workspace;
  Recording<double, KeepTapes, false> recording;
  Statistics statistics;

  template <class Method, class Control>
  void run(const Method& method, const Control& control, const std::vector<double>& times) {
    recording.start(DynamicsView<double>(dynamics), workspace);
    Stepper<Method, Batch<double>> stepper;
    Batch<double> y = problem.y0;
    statistics = integrate(method, control, recording, y, times, stepper, recording);
  }
};

}  // namespace

TEST_CASE("Recording: the last stage of a step is the next step's first, and rejected steps give their tapes back",
          "[gradient][recording]") {
  Recorded record;
  record.problem.field.parameters() *= 6;
  record.run(Dopri5{}, PiController{.rtol = 1e-4, .atol = 1e-4, .initial_step = 0.5}, {0.0, 1.0});
  REQUIRE(record.statistics.rejected > 0);
  const auto& steps = record.recording.steps();
  REQUIRE(Index(steps.size()) == record.statistics.accepted);
  CHECK(steps.front().first == 0);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].rest == 1 + 6 * i);  // six evaluations a step, none left over from a rejected one
    if (i > 0) CHECK(steps[i].first == steps[i - 1].rest + 5);
    if (i > 0) CHECK(steps[i].t == steps[i - 1].t_next);
  }
  CHECK(steps.back().t_next == 1.0);
}

TEST_CASE("Recording: a method that is not first same as last evaluates its first stage anew",
          "[gradient][recording]") {
  Recorded record;
  record.run(Rk4{}, FixedSteps(2), {0.0, 0.5, 0.5, 1.0});
  const auto& steps = record.recording.steps();
  REQUIRE(steps.size() == 4);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].first == 4 * i);
    CHECK(steps[i].rest == 4 * i + 1);
  }
  CHECK(record.recording.outputs() == std::vector<std::size_t>{0, 2, 2, 4});
}

TEST_CASE("Recording: a stage with node 1 stands at the very end of its step", "[gradient][recording]") {
  const Recording<double, KeepTapes, false>::Step step{.t = 0.1, .h = 0.2, .t_next = 0.3, .first = 0, .rest = 1};
  CHECK(step.time(1) == 0.3);  // 0.1 + 0.2 is an ulp more
  CHECK(step.time(0.5) == Approx(0.2));
}

namespace {

/// Notes what products are told to fetch while an evaluation is made or pulled back, and where its own slot lies.
struct NoteFetches : KeepTapes {
  struct Note {
    std::uintptr_t slot, fetched;
    std::size_t bytes;
  };
  static inline std::vector<Note> notes;

  template <Real S>
  static void note(std::span<S> slot) {
    const auto& ahead = detail::fetch_ahead;
    notes.push_back({reinterpret_cast<std::uintptr_t>(slot.data()), ahead.next, std::size_t(ahead.end - ahead.next)});
  }
  template <Real S>
  static void evaluate(const DynamicsView<S>& dynamics, double t, View<const std::type_identity_t<S>> y,
                       View<std::type_identity_t<S>> dy, std::span<S> slot, Workspace<S>& workspace) {
    note(slot);
    KeepTapes::evaluate(dynamics, t, y, dy, slot, workspace);
  }
  template <Real S>
  static void pullback(const DynamicsView<S>& dynamics, double t, std::span<S> slot,
                       View<const std::type_identity_t<S>> dy_bar, View<std::type_identity_t<S>> path_bar,
                       View<std::type_identity_t<S>> theta_bar, S& t_bar, Workspace<S>& workspace) {
    note(slot);
    KeepTapes::pullback(dynamics, t, slot, dy_bar, path_bar, theta_bar, t_bar, workspace);
  }
};

/// A field and a row of zeros, which is no part of its path.
struct WithIdleRow : G {
  explicit WithIdleRow(const G& g) : G(g), path(g) {}
  G path;

  [[nodiscard]] Index rows() const { return path.rows() + 1; }
  [[nodiscard]] G path_dynamics() const { return path; }
  void evaluate(double t, ConstBatchRef<double> y, BatchRef<double> dy, std::span<double> tape,
                Workspace<double>& workspace) const {
    path.evaluate(t, y.topRows(path.rows()), dy.topRows(path.rows()), tape, workspace);
    dy.bottomRows(1).setZero();
  }
  void pullback(double t, std::span<double> tape, ConstBatchRef<double> dy_bar, BatchRef<double> path_bar,
                VectorRef<double> theta_bar, double& t_bar, Workspace<double>& workspace) const {
    path.pullback(t, tape, dy_bar.topRows(path.rows()), path_bar, theta_bar, t_bar, workspace);
  }
};
static_assert(HasPathDynamics<WithIdleRow>);

}  // namespace

TEST_CASE("Recording: products fetch the next slot on the way out, the one before on the way back, none afterwards",
          "[gradient][recording]") {
  const bool path_alone = GENERATE(false, true);
  INFO("path alone: " << path_alone);
  const GradientProblem problem;
  const WithIdleRow dynamics(G(problem.field, 3));
  Workspace<double> workspace;
  Recording<double, NoteFetches, false> recording;
  Batch<double> y = Batch<double>::Zero(3, 3), dy(3, 3);
  y.topRows(2) = problem.y0;
  const auto evaluate_five_times = [&] {
    recording.start(DynamicsView<double>(dynamics), workspace);
    for (int i = 0; i < 5; ++i) {
      if (path_alone)
        recording.path_slope(0.1, y, dy);
      else
        recording(0.1, y, dy);
      CHECK(detail::fetch_ahead.next == detail::fetch_ahead.end);
    }
  };
  evaluate_five_times();  // there are no slots beforehand
  NoteFetches::notes.clear();
  evaluate_five_times();
  const auto evaluations = NoteFetches::notes;
  REQUIRE(evaluations.size() == 5);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(evaluations[i].fetched == evaluations[i + 1].slot);
    CHECK(evaluations[i].bytes == sizeof(double) * std::size_t(dynamics.tape_size()));
  }
  CHECK(evaluations[4].bytes == 0);
  NoteFetches::notes.clear();
  Vector<double> theta_bar = Vector<double>::Zero(dynamics.parameter_count());
  Batch<double> y_bar(2, 3);
  double t_bar = 0;
  for (std::size_t i = 5; i-- > 0;) {
    if (path_alone)
      recording.pullback_path(i, 0.1, View<const double>(dy), y_bar, theta_bar, t_bar);
    else
      recording.pullback(i, 0.1, View<const double>(dy), y_bar, theta_bar, t_bar);
    CHECK(detail::fetch_ahead.next == detail::fetch_ahead.end);
  }
  REQUIRE(NoteFetches::notes.size() == 5);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(NoteFetches::notes[i].fetched == NoteFetches::notes[i + 1].slot);
    CHECK(NoteFetches::notes[i].bytes == sizeof(double) * std::size_t(dynamics.tape_size()));
  }
  CHECK(NoteFetches::notes[4].bytes == 0);
}

TEST_CASE("RecordStorage: kept tapes grow with the network, arguments do not", "[gradient][recording]") {
  const GradientProblem problem;
  const G dynamics(problem.field, 3);
  const DynamicsView<double> view(dynamics);
  CHECK(KeepTapes::slot_size(view) == dynamics.tape_size());
  CHECK(RecomputeStages::slot_size(view) == 6);  // 2 rows, 3 columns
}

TEST_CASE("DynamicsView: shapes, values and cotangents are those of what it looks at", "[gradient][dynamics]") {
  const GradientProblem problem;
  const G dynamics(problem.field, 3);
  const DynamicsView<double> view(dynamics);
  CHECK(view.rows() == 2);
  CHECK(view.columns() == 3);
  CHECK(view.path_rows() == 2);
  CHECK(view.error_rows() == 2);
  CHECK(view.parameter_count() == problem.field.parameters().size());
  CHECK(view.tape_size() == dynamics.tape_size());

  Workspace<double> workspace;
  Vector<double> tape(dynamics.tape_size()), theta_bar = Vector<double>::Zero(view.parameter_count());
  Vector<double> same_theta_bar = theta_bar;
  const std::span<double> slot(tape.data(), std::size_t(tape.size()));
  Batch<double> dy(2, 3), same_dy(2, 3), y_bar(2, 3), same_y_bar(2, 3);
  double t_bar = 0, same_t_bar = 0;
  view.evaluate(0.3, problem.y0, dy, slot, workspace);
  view.pullback(0.3, slot, problem.y0, y_bar, theta_bar, t_bar, workspace);
  dynamics.evaluate(0.3, problem.y0, same_dy, slot, workspace);
  dynamics.pullback(0.3, slot, problem.y0, same_y_bar, same_theta_bar, same_t_bar, workspace);
  CHECK(dy == same_dy);
  CHECK(y_bar == same_y_bar);
  CHECK(theta_bar == same_theta_bar);
  CHECK(t_bar == same_t_bar);
  CHECK(t_bar != 0);
}

TEST_CASE("StepperPool: one slot for each shape, and it stays where it is", "[gradient][pool]") {
  StepperPool<Dopri5, Batch<double>> pool;
  auto* const wide = &pool.at(3, 34);
  auto* const narrow = &pool.at(3, 33);
  CHECK(wide != narrow);
  CHECK(wide->y.cols() == 34);
  CHECK(narrow->y.cols() == 33);
  for (Index columns = 1; columns < 20; ++columns) (void)pool.at(3, columns);
  CHECK(&pool.at(3, 34) == wide);
  CHECK(&pool.at(3, 33) == narrow);
}
