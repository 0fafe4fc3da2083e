/// \file
/// A neural ODE fitted to observed paths by Levenberg-Marquardt:
///
///     const LeastSquaresReport report = fit_full_batch(ode, paths, LevenbergMarquardt{});
///
/// It suits up to some thousand parameters: constants of a formula (`differentiable`), of which the report has standard
/// errors, and small networks, where it came to lower losses than Adam and L-BFGS in equal time (docs/guide.md).
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/gradient/second_order/control_with_tangents.hpp>
#include <pathline/gradient/sequence.hpp>
#include <pathline/gradient/value_and_gradient.hpp>
#include <pathline/nn/moving/sensitivity_field.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/full_batch/fit_full_batch.hpp>
#include <pathline/train/least_squares/levenberg_marquardt.hpp>
#include <pathline/train/least_squares/minimize_squares.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {
namespace detail {

/// Prediction minus observation of a neural ODE, for all observed entries of some sequences, one sequence after another
/// and one time after another. It leaves θ in the model, which must outlive it.
///
/// The Jacobian of an explicit method is by the variational equations, one solve of d (1 + p) rows. Those of other
/// methods are put together of gradients, one for each residual, by the gradient method that the model has; there each
/// sequence is solved by itself, with and without the Jacobian, so that steps and residuals are the same.
template <class Ode>
class OdeResiduals {
  using Parts = std::remove_cvref_t<decltype(PartsAccess::parts(std::declval<const Ode&>()))>;
  static constexpr bool variational = ExplicitMethod<typename Parts::Method>;

 public:
  using Scalar = typename Ode::Scalar;

  OdeResiduals(Ode& ode, const std::vector<Sequence<Scalar>>& sequences) : ode_(ode), sequences_(sequences) {
    const Index d = ode.dim(), p = std::as_const(ode).parameters().size();
    for (const Sequence<Scalar>& sequence : sequences) {
      count_ += sequence.observed();
      if constexpr (variational) {
        Sequence<Scalar> start{sequence.times, Batch<Scalar>(d * (1 + p), sequence.states.cols()),
                               Vector<Scalar>::Zero(d * (1 + p)), sequence.context};
        start.states.setConstant(std::numeric_limits<Scalar>::quiet_NaN());
        start.initial.head(d) = start_of(sequence);
        starts_.push_back(std::move(start));
      }
    }
  }

  [[nodiscard]] Index count() const { return count_; }
  [[nodiscard]] double accuracy() const { return std::numeric_limits<Scalar>::epsilon(); }

  void residuals(const Vector<double>& theta, Vector<double>& r) {
    set_parameters(theta);
    if constexpr (variational) {
      set_residuals(ode_.predict(sequences_), r);
    } else {
      std::vector<Batch<Scalar>> predictions(sequences_.size());
      for (std::size_t j = 0; j < predictions.size(); ++j) {
        const Index which = Index(j);
        predictions[j] = ode_.predict(sequences_, std::span<const Index>(&which, 1)).front();
      }
      set_residuals(predictions, r);
    }
  }

  void residuals_and_jacobian(const Vector<double>& theta, Vector<double>& r, Batch<double>& J) {
    set_parameters(theta);
    J.resize(count_, theta.size());
    if constexpr (variational)
      set_by_variation(r, J);
    else
      set_by_gradients(r, J);
  }

 private:
  static Vector<Scalar> start_of(const Sequence<Scalar>& sequence) {
    return sequence.initial.size() > 0 ? sequence.initial : Vector<Scalar>(sequence.states.col(0));
  }

  void set_parameters(const Vector<double>& theta) {
    const Vector<Scalar> rounded = theta.template cast<Scalar>();
    put_parameters(rounded, ode_);
  }

  template <class Predictions>
  void set_residuals(const Predictions& predictions, Vector<double>& r) const {
    r.resize(count_);
    Index row = 0;
    for (std::size_t j = 0; j < sequences_.size(); ++j)
      for_each_observed(sequences_[j], [&](Index i, Index k) {
        r(row++) = double(predictions[j](i, k)) - double(sequences_[j].states(i, k));
      });
  }

  void set_by_variation(Vector<double>& r, Batch<double>& J) const {
    const auto& parts = PartsAccess::parts(std::as_const(ode_));
    using Variation = SensitivityField<typename Parts::Field>;
    const NeuralOde variation(Variation(parts.field), parts.method, control_with_tangents(parts.control, ode_.dim()),
                              Backpropagation<>{.outputs = parts.output_times()}, parts.threads, parts.chunk_width);
    const std::vector<Batch<Scalar>> predictions = variation.predict(starts_);
    set_residuals(predictions, r);
    const Index d = ode_.dim();
    Index row = 0;
    for (std::size_t j = 0; j < sequences_.size(); ++j)
      for_each_observed(sequences_[j], [&](Index i, Index k) {
        for (Index q = 0; q < J.cols(); ++q) J(row, q) = double(predictions[j](d * (1 + q) + i, k));
        ++row;
      });
  }

  void set_by_gradients(Vector<double>& r, Batch<double>& J) {
    r.resize(count_);
    Index row = 0;
    for (const Sequence<Scalar>& sequence : sequences_) {
      const Vector<Scalar> start = start_of(sequence);
      for_each_observed(sequence, [&](Index i, Index k) {
        ode_.value_and_gradient(
            start, sequence.times,
            [&](const std::vector<Batch<Scalar>>& states, std::vector<Batch<Scalar>>& bars) {
              bars[std::size_t(k)](i, 0) = 1;
              return states[std::size_t(k)](i, 0);
            },
            memory_, result_, sequence.context);
        r(row) = double(result_.value) - double(sequence.states(i, k));
        J.row(row++) = result_.parameters.template cast<double>().transpose();
      });
    }
  }

  Ode& ode_;
  const std::vector<Sequence<Scalar>>& sequences_;
  std::vector<Sequence<Scalar>> starts_;  // of the variational equations
  Index count_ = 0;
  typename Ode::Memory memory_;
  ValueAndGradient<Scalar> result_;
};

}  // namespace detail

/// Moves the parameters of a neural ODE to where the sum of squares of prediction minus observation, over all observed
/// entries, is least.
///
/// Explicit methods solve the sequences together, as `predict` does. Others solve each sequence by itself: the sum is
/// that of `predict` for one sequence at a time, and differs from that of `predict` for all by the error of the solver.
///
/// `fit_full_batch(ode, sequences, {})` means LBfgs. Rule is a template parameter so that {} is not ambiguous.
///
/// \param see  Called as see(const LeastSquaresIteration&) after each iteration; false ends.
/// \return     Why it ended, which is to be looked at: see `LeastSquaresReport::converged` and `explain`; standard
///             errors of the parameters, as if all entries had noise of one deviation; and `warnings`.
/// \throws ShapeError, DataError, ArgumentError before anything is changed; SolveError when the first solve fails.
///         Later ones shorten the step. Whatever is thrown later, the model has the best parameters so far.
template <class Field, class... OdePolicies, Real Scalar, std::same_as<LevenbergMarquardt> Rule,
          class See = detail::SeesNoSquares>
[[nodiscard]] LeastSquaresReport fit_full_batch(NeuralOde<Field, OdePolicies...>& ode,
                                                const std::vector<Sequence<Scalar>>& sequences, const Rule& rule,
                                                See&& see = {}) {
  using Ode = NeuralOde<Field, OdePolicies...>;
  if constexpr (detail::same_sequence_scalar<Ode, Scalar>()) {
    using Gradient = typename std::remove_cvref_t<decltype(detail::PartsAccess::parts(ode))>::Gradient;
    constexpr bool no_step_cost = !requires { requires Gradient::has_step_cost; };
    static_assert(no_step_cost, "fit_full_batch: a cost of the steps is no square: fit without it, or by LBfgs");
    rule.check();
    detail::require_fit_parameters(ode, "fit_full_batch");
    const std::span<const Sequence<Scalar>> all(sequences);
    detail::require_sequences("fit_full_batch", all, ode.dim(), ode.context_rows());
    (void)detail::numbered("fit_full_batch: the sequences", all, 0);  // refuses those without an observation
    const Vector<Scalar> first = std::as_const(ode).parameters();
    Vector<double> theta = first.template cast<double>();
    detail::OdeResiduals<Ode> residuals(ode, sequences);
    const auto keep = [&](const Vector<double>& best) {
      const Vector<Scalar> rounded = best.template cast<Scalar>();
      detail::put_parameters(rounded, ode);
    };
    LeastSquaresReport report;
    try {
      report = minimize(residuals, theta, rule, std::forward<See>(see));
    } catch (...) {
      keep(theta);
      throw;
    }
    keep(theta);
    return report;
  } else {
    return {};
  }
}

}  // namespace pathline
