/// \file
/// The way back over a step of a multistep method: include it, and `AdamsBashforth` and `AdamsBashforthMoulton` train
/// by Backpropagation. docs/maths.md, (6.9).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/recording.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/multistep/adams_stepper.hpp>
#include <pathline/ode/multistep/multistep_method.hpp>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace pathline {

/// A Recording that knows which steps went on by the history, and which were taken by `Start`. Stage 0 of each is
/// f(t, y); those after it are the predicted end's, or those of `Start`.
template <Real S, class Storage, bool keep_stages>
class MultistepRecording : public Recording<S, Storage, keep_stages> {
  using Base = Recording<S, Storage, keep_stages>;

 public:
  void start(const DynamicsView<S>& dynamics, Workspace<S>& workspace) {
    Base::start(dynamics, workspace);
    by_history_.clear();
  }
  void clear(bool /*follows_on*/ = false) {
    Base::clear();
    by_history_.clear();
  }
  template <class Stepper>
  void accept(double t, double h, const Stepper& stepper) {
    Base::accept(t, h, stepper);
    by_history_.push_back(stepper.by_history());
  }
  [[nodiscard]] bool by_history(std::size_t index) const { return by_history_[index]; }

 private:
  std::vector<bool> by_history_;
};

template <MultistepMethod Method>
struct StepRecord<Method> {
  template <Real S>
  using Dynamics = DynamicsView<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = MultistepRecording<S, Storage, keep_stages>;
  template <Real S>
  struct Memory {};
};

/// The slopes f_n, f_{n-1}, … of a step are those at the starts of the steps before: their cotangents wait until the
/// way back comes there, and each slope is pulled back once.
template <MultistepMethod Method, Dynamics G>
class StepPullback<Method, G> {
  using Scalar = typename G::Scalar;
  using Start = typename Method::Start;
  static constexpr std::size_t length = detail::history_length<Method>();
  static constexpr auto start_tableau = Start::tableau;
  static constexpr auto start_stages =
      std::size_t(Start::tableau.stages - (first_same_as_last(Start::tableau) ? 1 : 0));
  static constexpr std::size_t most_stages = start_stages > 1 ? start_stages : 2;

 public:
  template <class Memory>
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, Memory& /*memory*/)
      : slope_bar_(make(frame, dynamics.rows(), dynamics.columns(), std::make_index_sequence<length>{})),
        stage_bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        mu_(make(frame, dynamics.path_rows(), dynamics.columns(), std::make_index_sequence<most_stages>{})) {
    for (BatchMap<Scalar>& bar : slope_bar_) detail::fill<Scalar>(bar, 0);
  }

  void begin() {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const auto h = Scalar(step.h);
    Index pullbacks = 0;
    const auto pull_back = [&](std::size_t slot, double t, View<const Scalar> bar, View<Scalar> mu) {
      Scalar t_bar(0);
      record.pullback(slot, t, bar, mu, theta_bar, t_bar);
      ++pullbacks;
    };
    if (record.by_history(std::size_t(&step - record.steps().data())))
      back_by_history(step, h, lambda, pull_back);
    else
      back_by_start(step, h, lambda, pull_back);
    // f_n has all of its cotangent now.
    pull_back(step.first, step.t, slope_bar(0), mu_[0]);
    add_rows(1, mu_[0], lambda);
    detail::fill<Scalar>(slope_bar(0), 0);
    newest_ = (newest_ + 1) % length;
    return pullbacks;
  }

 private:
  /// The cotangent of f_{n-j} at the step at hand.
  [[nodiscard]] BatchMap<Scalar>& slope_bar(std::size_t j) { return slope_bar_[(newest_ + j) % length]; }
  /// Y += factor · X in the rows of X, the path rows or all.
  static void add_rows(Scalar factor, View<const Scalar> X, View<Scalar> Y) {
    detail::axpy<Scalar>(factor, X, Y.topRows(X.rows()));
  }
  template <class Step, class PullBack>
  void back_by_history(const Step& step, Scalar h, View<Scalar> lambda, const PullBack& pull_back) {
    if constexpr (CorrectedMethod<Method>) {
      constexpr auto corrector = Method::corrector;
      detail::set_scaled<Scalar>(h * Scalar(corrector[0]), lambda, stage_bar_);
      for (std::size_t j = 1; j < corrector.size(); ++j) add_rows(h * Scalar(corrector[j]), lambda, slope_bar(j - 1));
      pull_back(step.rest, step.t_next, stage_bar_, mu_[1]);  // at the predicted end, y + h Σ w_j f_{n-j}
      for (std::size_t j = 0; j < Method::predictor.size(); ++j)
        add_rows(h * Scalar(Method::predictor[j]), mu_[1], slope_bar(j));
      add_rows(1, mu_[1], lambda);
    } else {
      for (std::size_t j = 0; j < Method::predictor.size(); ++j)
        add_rows(h * Scalar(Method::predictor[j]), lambda, slope_bar(j));
    }
  }

  /// An explicit Runge–Kutta step whose first stage is f_n: (6.1).
  template <class Step, class PullBack>
  void back_by_start(const Step& step, Scalar h, View<Scalar> lambda, const PullBack& pull_back) {
    for (std::size_t i = start_stages; i-- > 0;) {
      const View<Scalar> bar = i == 0 ? View<Scalar>(slope_bar(0)) : View<Scalar>(stage_bar_);
      if (i > 0) detail::fill<Scalar>(bar, 0);
      add_rows(h * Scalar(start_tableau.b[i]), lambda, bar);
      for (std::size_t j = i + 1; j < start_stages; ++j)
        add_rows(h * Scalar(start_tableau.A(int(j), int(i))), mu_[j], bar);
      if (i > 0) pull_back(step.rest + i - 1, step.time(start_tableau.c[i]), bar, mu_[i]);
    }
    for (std::size_t i = 1; i < start_stages; ++i) add_rows(1, mu_[i], lambda);
  }

  template <std::size_t... I>
  static std::array<BatchMap<Scalar>, sizeof...(I)> make(typename Workspace<Scalar>::Frame& frame, Index rows,
                                                         Index columns, std::index_sequence<I...>) {
    return {((void)I, frame.batch(rows, columns))...};
  }

  std::array<BatchMap<Scalar>, length> slope_bar_;  // a ring: of f_n at newest_, of f_{n-1} after it
  std::size_t newest_ = 0;
  BatchMap<Scalar> stage_bar_;
  std::array<BatchMap<Scalar>, most_stages> mu_;
};

}  // namespace pathline
