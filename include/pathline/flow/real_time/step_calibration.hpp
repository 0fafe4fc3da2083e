/// \file
/// How many fixed steps a flow needs: the least number of evaluations with which its densities, transforms and samples
/// stay within a tolerance on given data, with the errors that were measured. For programs that must know the cost of
/// a call: `RealTimeFlow` (real_time_flow.hpp) and exported headers (io/write_header.hpp).
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/fingerprint.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/real_time/fixed_step_flow.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/explicit/chosen_method.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

struct CalibrationOptions {
  double tolerance = 1e-3;      ///< Bound of the largest error: in nats, and in the flow's coordinates.
  Index max_evaluations = 240;  ///< Of the field, a call.
  std::uint64_t seed = 0;       ///< Of the base points whose samples are compared.
};

/// Over all samples, and all components where there are several.
struct MeasuredError {
  double max = 0, rms = 0;
};

/// A method with its number of steps, and what their error was on the data.
struct StepCalibration {
  ChosenMethod method;
  Index steps = 0;
  Index samples = 0;        ///< Of the data.
  double tolerance = 0;     ///< What was asked for.
  MeasuredError log_prob;   ///< Nats.
  MeasuredError transform;  ///< Of z, in the units of the base density.
  MeasuredError sample;     ///< In the flow's coordinates: standard deviations of the data where it has `Standardize`.
  double reference = 0;     ///< The largest difference of the reference from one with half as many steps.
  std::uint64_t parameters_hash = 0;  ///< Of the flow that was measured: `detail::fingerprint_of_parameters`.

  /// Of the field, each call.
  [[nodiscard]] Index evaluations() const noexcept { return steps * method.stages(); }
};

/// No number of steps within the limit meets the tolerance.
struct CalibrationError : Error {
  using Error::Error;
};

namespace detail {

/// Of θ: tells whether a flow has been trained since it was measured.
template <Real Scalar>
[[nodiscard]] std::uint64_t fingerprint_of_parameters(const Vector<Scalar>& theta) {
  return fingerprint(theta.data(), std::size_t(theta.size()) * sizeof(Scalar));
}

/// \throws ArgumentError when the calibration has no steps, or measured this flow with other parameters.
template <class Flow>
void require_calibrated(const std::string& caller, const Flow& flow, const StepCalibration& calibration) {
  if (calibration.evaluations() < 1)
    throw ArgumentError(caller + ": evaluations of the calibration", calibration.evaluations(), "at least 1");
  if (calibration.samples > 0 &&
      calibration.parameters_hash != fingerprint_of_parameters<typename Flow::Scalar>(flow.parameters()))
    throw ArgumentError(caller + ": parameters of the flow", "others than those that were calibrated",
                        "the same: calibrate the flow anew after training");
}

/// What a number of steps gives: log p and base points of the data, samples of the base points.
template <Real Scalar>
struct FixedStepResults {
  Batch<Scalar> log_p, Z, samples;
};

/// Compares solves of one data set. The data's coordinates and the base points are computed once.
template <class Flow>
class StepComparison {
 public:
  using Stepped = FixedStepFlow<Flow>;
  using Scalar = typename Stepped::Scalar;
  using DataScalar = typename Stepped::Parts::DataScalar;
  using Results = FixedStepResults<Scalar>;

  StepComparison(const Flow& flow, ConstBatchRef<DataScalar> X, std::uint64_t seed) : flow_(flow) {
    const auto& parts = flow_.parts();
    const Index d = flow_.dim(), n = X.cols();
    coordinates_.resize(d, n);
    log_det_.resize(1, n);
    base_points_.resize(d, n);
    typename Stepped::Parts::Rounding scratch;
    parts.to_coordinates(View<const DataScalar>(X).topRows(d), View<Scalar>(coordinates_), View<Scalar>(log_det_),
                         scratch);
    context_ = parts.context_of(View<const DataScalar>(X), scratch).map();
    parts.base.sample(Draw{seed, 0}, 0, base_points_);
    require_finite("calibrate_steps: a draw of the base density", base_points_);
  }

  [[nodiscard]] Results run(const ChosenMethod& method, Index steps) {
    const Index d = flow_.dim(), n = coordinates_.cols();
    Results results{log_det_, Batch<Scalar>(d, n), base_points_};
    constexpr Index widest = 64;
    for (Index first = 0; first < n; first += widest) {
      const Index count = std::min(widest, n - first);
      const View<const Scalar> context = View<const Scalar>(context_).middleCols(first, count);
      const View<Scalar> Z = View<Scalar>(results.Z).middleCols(first, count),
                         log_p = View<Scalar>(results.log_p).middleCols(first, count);
      Batch<Scalar> y(d + 1, count);
      copy<Scalar>(View<const Scalar>(coordinates_).middleCols(first, count), View<Scalar>(y).topRows(d));
      fill<Scalar>(View<Scalar>(y).row(d), 0);
      flow_.run(method, steps, Way::to_base, BatchMap<Scalar>(y.data(), d + 1, count), context);
      copy<Scalar>(View<const Scalar>(y).topRows(d), Z);
      add<Scalar>(View<const Scalar>(y).row(d), log_p);
      flow_.add_log_base(Z, log_p);
      flow_.run(method, steps, Way::to_data, BatchMap<Scalar>(results.samples.data() + first * d, d, count), context);
    }
    return results;
  }

  /// The largest entry and the root mean square of the difference, infinite where something is not finite.
  [[nodiscard]] static MeasuredError difference(View<const Scalar> A, View<const Scalar> B) {
    MeasuredError error;
    double sum = 0;
    for (Index j = 0; j < A.cols(); ++j)
      for (Index i = 0; i < A.rows(); ++i) {
        const double e = std::abs(double(A(i, j)) - double(B(i, j)));
        if (!std::isfinite(e))
          return {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
        error.max = std::max(error.max, e);
        sum += e * e;
      }
    error.rms = std::sqrt(sum / double(A.size()));
    return error;
  }

 private:
  Stepped flow_;
  Batch<Scalar> coordinates_, log_det_, context_, base_points_;
};

/// Methods to choose from: the flow's own fixed-step method, if it has one, and one of each order from 2 to 5.
template <class Flow>
[[nodiscard]] std::vector<ChosenMethod> methods_to_choose_from() {
  std::vector<ChosenMethod> methods{chosen_method<Rk4>("Rk4"), chosen_method<Tsit5>("Tsit5"),
                                    chosen_method<BogackiShampine>("BogackiShampine"),
                                    chosen_method<Midpoint>("Midpoint")};
  using Own = typename PartsOfFlow<Flow>::Method;
  if constexpr (!std::is_void_v<Own>) {
    ChosenMethod own = chosen_method<Own>("the flow's own method");
    const bool listed = std::any_of(methods.begin(), methods.end(), [&own](const ChosenMethod& one) {
      return one.a == own.a && one.b == own.b && one.c == own.c;
    });
    if (!listed) methods.push_back(std::move(own));
  }
  return methods;
}

/// The search of calibrate_steps.
template <class Flow>
class StepSearch {
  using Comparison = StepComparison<Flow>;
  using Scalar = typename Comparison::Scalar;
  using Results = typename Comparison::Results;

 public:
  StepSearch(const Flow& flow, ConstBatchRef<typename Comparison::DataScalar> X, const CalibrationOptions& options)
      : comparison_(flow, X, options.seed),
        options_(options),
        samples_(X.cols()),
        hash_(fingerprint_of_parameters<Scalar>(flow.parameters())) {
    find_reference();
  }

  [[nodiscard]] StepCalibration run() {
    for (const ChosenMethod& method : methods_to_choose_from<Flow>()) search(method);
    if (best_) return *best_;
    throw CalibrationError(
        "calibrate_steps: tolerance is " + number(options_.tolerance) + ", but the least error within " +
        std::to_string(options_.max_evaluations) + " evaluations is " +
        (nearest_ ? number(worst(*nearest_)) + ", of " + nearest_->method.name + " with " +
                        std::to_string(nearest_->steps) + " steps"
                  : std::string("infinite")) +
        "; raise tolerance or max_evaluations, or train the flow with KineticEnergy, which makes its paths straighter");
  }

 private:
  static double worst(const StepCalibration& of) {
    return std::max({of.log_prob.max, of.transform.max, of.sample.max});
  }

  StepCalibration compare(const ChosenMethod& method, Index steps, const Results& results) const {
    StepCalibration measured{method, steps, samples_, options_.tolerance, {}, {}, {}, reference_error_, hash_};
    measured.log_prob = Comparison::difference(results.log_p, reference_.log_p);
    measured.transform = Comparison::difference(results.Z, reference_.Z);
    measured.sample = Comparison::difference(results.samples, reference_.samples);
    return measured;
  }

  /// Tsit5 with so many steps that half as many differ by less than a sixteenth of the tolerance. Its own error is then
  /// about 1/32 of that difference.
  void find_reference() {
    const ChosenMethod method = chosen_method<Tsit5>("Tsit5");
    constexpr Index first = 16, last = 1024;
    reference_ = comparison_.run(method, first);
    for (Index steps = 2 * first; steps <= last; steps *= 2) {
      Results finer = comparison_.run(method, steps);
      std::swap(finer, reference_);
      reference_error_ = worst(compare(method, steps / 2, finer));
      if (reference_error_ <= options_.tolerance / 16) return;
    }
    throw CalibrationError("calibrate_steps: a reference by " + std::to_string(last / 2) + " and by " +
                           std::to_string(last) + " steps of Tsit5 differs by " + number(reference_error_) +
                           ", expected at most a sixteenth of the tolerance, " + number(options_.tolerance / 16) +
                           ": raise tolerance, which may be below what " +
                           (std::is_same_v<Scalar, float> ? "float" : "double") +
                           " resolves, or leave out data far from those that the flow was trained on");
  }

  /// Doubles the steps until they suffice, then bisects; only as far as this method may beat the best one.
  void search(const ChosenMethod& method) {
    const Index budget = best_ ? best_->evaluations() - 1 : options_.max_evaluations, limit = budget / method.stages();
    Index too_few = 0, enough = std::min<Index>(1, limit);
    if (limit < 1) return;
    while (!passes(method, enough)) {
      if (enough == limit) return;
      too_few = enough;
      enough = std::min(2 * enough, limit);
    }
    while (enough - too_few > 1) {
      const Index middle = too_few + (enough - too_few) / 2;
      (passes(method, middle) ? enough : too_few) = middle;
    }
  }

  /// Keeps what passes as the best so far.
  bool passes(const ChosenMethod& method, Index steps) {
    const StepCalibration measured = compare(method, steps, comparison_.run(method, steps));
    if (worst(measured) <= options_.tolerance) {
      best_ = measured;
      return true;
    }
    if (std::isfinite(worst(measured)) && (!nearest_ || worst(measured) < worst(*nearest_))) nearest_ = measured;
    return false;
  }

  Comparison comparison_;
  CalibrationOptions options_;
  Index samples_;
  std::uint64_t hash_;
  double reference_error_ = 0;
  Results reference_;
  std::optional<StepCalibration> best_, nearest_;
};

}  // namespace detail

/// The method and the number of steps with the least evaluations whose largest error on the data, in log p, in
/// z = transform(x) and in samples, is within the tolerance. Chosen from methods of the orders 2 to 5 and the flow's
/// own fixed-step method; the trace is exact. The error is that of the steps: it is measured against the same flow by
/// many more steps in the same scalar. Of each method the least number is found by bisection, as if the error fell with
/// every step more.
///
/// The errors hold for data like these: give a few hundred samples of the kind that will be asked about.
///
/// \param data  Raw, data_rows() × n, with their context below them if the flow is conditional.
/// \throws ShapeError, DataError on bad data; ArgumentError for a tolerance that is not positive or a limit below 1;
///         CalibrationError when the limit does not suffice, or the scalar does not resolve the tolerance.
template <class F, class... P>
[[nodiscard]] StepCalibration calibrate_steps(const Cnf<F, P...>& flow,
                                              ConstDataRef<typename Cnf<F, P...>::DataScalar> data,
                                              const CalibrationOptions& options = {}) {
  require_batch_rows("calibrate_steps: data", data.rows(), data.cols(), flow.data_rows());
  require_finite("calibrate_steps: data", data);
  detail::require_finite_parameters("calibrate_steps", flow.parameters());
  if (!(options.tolerance > 0) || !std::isfinite(options.tolerance))
    throw ArgumentError("calibrate_steps: tolerance", options.tolerance, "a positive number");
  if (options.max_evaluations < 1)
    throw ArgumentError("calibrate_steps: max_evaluations", options.max_evaluations, "at least 1");
  return detail::StepSearch<Cnf<F, P...>>(flow, data, options).run();
}

}  // namespace pathline
