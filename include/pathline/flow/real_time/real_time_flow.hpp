/// \file
/// A flow for control loops: one sample a call by a fixed number of evaluations, nothing from the heap, nothing thrown.
/// ```
/// RealTimeFlow monitor(flow, calibrate_steps(flow, data));      // once
/// …
/// float log_p;
/// if (!monitor.log_prob(x, log_p) || log_p < alarm) raise();    // in the loop
/// ```
/// For a device without Eigen, `io::write_header` writes the same functions as one C++17 header.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/flow_solves.hpp>
#include <pathline/flow/real_time/fixed_step_flow.hpp>
#include <pathline/flow/real_time/step_calibration.hpp>
#include <pathline/flow/statistics/covariance.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/chosen_method.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace pathline {

namespace detail {

/// z (d) of standard normal noise in the same place, for the bases that are affine images of it.
template <Real Scalar>
void noise_to_base(const StandardNormal& /*base*/, Vector<Scalar>& /*z*/) {}
template <Real Scalar>
void noise_to_base(const DiagonalGaussian<Scalar>& base, Vector<Scalar>& z) {
  for (Index i = 0; i < z.size(); ++i) z(i) = base.mean()(i) + base.deviation()(i) * z(i);
}
template <Real Scalar>
void noise_to_base(const FullGaussian<Scalar>& base, Vector<Scalar>& z) {
  multiply_lower(base.factor(), z);
  for (Index i = 0; i < z.size(); ++i) z(i) += base.mean()(i);
}

template <class Base, class Scalar>
concept NormalBase = requires(const Base& base, Vector<Scalar>& z) {
  detail::noise_to_base(base, z);
};

}  // namespace detail

/// Has a copy of the flow. One object for each thread: a call uses its scratch.
///
/// Every call returns whether the result is finite, and leaves its output as it was if not: that is also the answer to
/// input that is of another size, not finite, or outside of the data transform's domain. A call that returns true asks
/// nothing of the heap, as long as its arguments are vectors or contiguous pieces of them; with a field, a transform or
/// a base of one's own only where their functions do not either. Densities are by the exact trace.
///
/// \tparam Flow  A `Cnf`.
template <class Flow>
class RealTimeFlow {
  static_assert(!std::is_same_v<Flow, Flow>, "RealTimeFlow: the first argument must be a Cnf");

 public:
  template <class... Arguments>
  explicit RealTimeFlow(const Flow& /*flow*/, const Arguments&... /*arguments*/) {}
};

template <class F, class... P>
class RealTimeFlow<Cnf<F, P...>> {
  using Flow = Cnf<F, P...>;
  using Stepped = detail::FixedStepFlow<Flow>;
  using Parts = typename Stepped::Parts;

 public:
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;

  /// By the method and the steps of a calibration.
  /// \throws ArgumentError for a calibration without steps, or of other parameters than the flow has now; as below.
  RealTimeFlow(const Flow& flow, const StepCalibration& calibration)
      : RealTimeFlow(flow, calibration.method, calibration.steps) {
    detail::require_calibrated("RealTimeFlow", flow, calibration);
  }

  /// By so many steps of an explicit method: RealTimeFlow(flow, Rk4{}, FixedSteps(8)).
  template <ExplicitMethod Method>
  RealTimeFlow(const Flow& flow, const Method& /*method*/, FixedSteps steps)
      : RealTimeFlow(flow, chosen_method<Method>("the method given"), steps.steps_per_interval) {}

  /// \throws ArgumentError unless steps > 0 and the method has stages, or when a parameter of the flow is not finite.
  RealTimeFlow(const Flow& flow, ChosenMethod method, Index steps)
      : flow_(flow), method_(std::move(method)), steps_(steps) {
    if (steps < 1) throw ArgumentError("RealTimeFlow: number of steps", steps, "at least 1");
    if (method_.stages() < 1) throw ArgumentError("RealTimeFlow: number of stages", "0", "at least 1");
    detail::require_finite_parameters("RealTimeFlow", flow.parameters());
    const Index d = dim(), c = parts().context_rows();
    y_.setZero(d + 1, 1);
    z_.setZero(d);
    raw_.setZero(d);
    raw_context_.setZero(c, 1);
    log_p_.setZero(1, 1);
    scratch_.Z.setZero(d, 1);
    scratch_.log_det.setZero(1);
    scratch_.context.setZero(c, 1);
    scratch_.unrounded_context.setZero(c, 1);
    size_workspace();
  }

  /// A copy, for another thread, has its own scratch, which is sized here too.
  RealTimeFlow(const RealTimeFlow& other)
      : flow_(other.flow_),
        method_(other.method_),
        steps_(other.steps_),
        y_(other.y_),
        log_p_(other.log_p_),
        z_(other.z_),
        raw_(other.raw_),
        raw_context_(other.raw_context_),
        scratch_(other.scratch_) {
    size_workspace();
  }
  RealTimeFlow(RealTimeFlow&&) noexcept = default;
  RealTimeFlow& operator=(const RealTimeFlow& other) { return *this = RealTimeFlow(other); }
  RealTimeFlow& operator=(RealTimeFlow&&) noexcept = default;
  ~RealTimeFlow() = default;

  [[nodiscard]] Index dim() const { return flow_.dim(); }
  /// Rows of what the calls take: d + c.
  [[nodiscard]] Index data_rows() const { return dim() + parts().context_rows(); }
  /// Of the field, each call.
  [[nodiscard]] Index evaluations() const noexcept { return steps_ * method_.stages(); }

  /// log p of a raw sample x (d + c), nats.
  [[nodiscard]] bool log_prob(ConstVectorRef<DataScalar> x, Scalar& log_p) noexcept {
    return guarded([&] {
      if (!start_from(x, log_p_)) return false;
      const Index d = dim();
      y_(d, 0) = 0;
      flow_.run(method_, steps_, detail::Way::to_base, BatchMap<Scalar>(y_.data(), d + 1, 1), context_of(x));
      log_p_(0, 0) += y_(d, 0);
      flow_.add_log_base(View<const Scalar>(y_).topRows(d), View<Scalar>(log_p_));
      if (!detail::all_finite<Scalar>(log_p_)) return false;
      log_p = log_p_(0, 0);
      return true;
    });
  }

  /// z (d), the base point of a raw sample x (d + c).
  [[nodiscard]] bool transform(ConstVectorRef<DataScalar> x, VectorRef<Scalar> z) noexcept {
    return guarded([&] {
      if (z.size() != dim() || !start_from(x, log_p_)) return false;
      detail::copy<Scalar>(View<const Scalar>(y_).topRows(dim()), View<Scalar>(z_));
      flow_.run(method_, steps_, detail::Way::to_base, BatchMap<Scalar>(z_.data(), dim(), 1), context_of(x));
      if (!detail::all_finite<Scalar>(z_)) return false;
      z = z_;
      return true;
    });
  }

  /// Raw x (d) of a base point z (d + c: its context is below).
  [[nodiscard]] bool inverse(ConstVectorRef<Scalar> z, VectorRef<DataScalar> x) noexcept {
    return guarded([&] {
      if (!take(z, x)) return false;
      return to_data(z, x);
    });
  }

  /// Raw x (d) of standard normal noise (d + c: its context is below): a sample of the flow.
  [[nodiscard]] bool sample(ConstVectorRef<Scalar> noise, VectorRef<DataScalar> x) noexcept {
    using Base = typename Parts::Base;
    constexpr bool normal = detail::NormalBase<Base, Scalar>;
    static_assert(
        normal,
        "RealTimeFlow::sample: the base density must be StandardNormal, DiagonalGaussian or FullGaussian; draw "
        "base points by yourself and use inverse(z, x)");
    return guarded([&] {
      if (!take(noise, x)) return false;
      if constexpr (normal) detail::noise_to_base(parts().base, z_);
      return to_data(noise, x);
    });
  }

 private:
  [[nodiscard]] const Parts& parts() const noexcept { return flow_.parts(); }

  /// By a solve of each kind, whatever they give: nothing is asked of the heap after that.
  void size_workspace() {
    const Index d = dim();
    const View<const Scalar> context(scratch_.context);
    y_.setZero();
    z_.setZero();
    flow_.run(method_, steps_, detail::Way::to_base, BatchMap<Scalar>(y_.data(), d + 1, 1), context);
    flow_.add_log_base(View<const Scalar>(y_).topRows(d), View<Scalar>(log_p_));
    flow_.run(method_, steps_, detail::Way::to_data, BatchMap<Scalar>(z_.data(), d, 1), context);
  }

  template <class Call>
  static bool guarded(const Call& call) noexcept {
    try {
      return call();
    } catch (...) {
      return false;
    }
  }

  /// The coordinates of x in the top of y_, with the transform's log-determinant.
  bool start_from(ConstVectorRef<DataScalar> x, Batch<Scalar>& log_det) {
    if (x.size() != data_rows() || !detail::all_finite<DataScalar>(x)) return false;
    parts().to_coordinates(View<const DataScalar>(x).topRows(dim()), View<Scalar>(y_).topRows(dim()),
                           View<Scalar>(log_det), scratch_);
    return true;
  }

  /// The point or the noise into z_.
  bool take(ConstVectorRef<Scalar> point, ConstVectorRef<DataScalar> x) {
    if (point.size() != data_rows() || x.size() != dim() || !detail::all_finite<Scalar>(point)) return false;
    detail::copy<Scalar>(View<const Scalar>(point).topRows(dim()), View<Scalar>(z_));
    return true;
  }

  /// z_ to raw x; the context is below `point`.
  bool to_data(ConstVectorRef<Scalar> point, VectorRef<DataScalar> x) {
    flow_.run(method_, steps_, detail::Way::to_data, BatchMap<Scalar>(z_.data(), dim(), 1), context_below_point(point));
    if (!detail::all_finite<Scalar>(z_)) return false;
    detail::convert<Scalar, DataScalar>(z_, View<DataScalar>(raw_));
    const Eigen::Ref<const Batch<DataScalar>> from = View<const DataScalar>(raw_);  // in place, as it may be
    BatchRef<DataScalar> to = View<DataScalar>(raw_);
    parts().transform.invert(from, to);
    if (!detail::all_finite<DataScalar>(raw_)) return false;
    x = raw_;
    return true;
  }

  [[nodiscard]] View<const Scalar> context_of(ConstVectorRef<DataScalar> x) {
    return parts().context_of(View<const DataScalar>(x), scratch_);
  }
  [[nodiscard]] View<const Scalar> context_below_point(ConstVectorRef<Scalar> point) {
    const View<const Scalar> context = View<const Scalar>(point).bottomRows(parts().context_rows());
    if constexpr (std::same_as<Scalar, DataScalar>) {
      return parts().context_of(context, scratch_);
    } else {
      detail::convert<Scalar, DataScalar>(context, View<DataScalar>(raw_context_));
      return parts().context_of(View<const DataScalar>(raw_context_), scratch_);
    }
  }

  Stepped flow_;
  ChosenMethod method_;
  Index steps_;
  Batch<Scalar> y_, log_p_;
  Vector<Scalar> z_;
  Vector<DataScalar> raw_;
  Batch<DataScalar> raw_context_;
  typename Parts::Rounding scratch_;
};

template <class Flow, class... Arguments>
RealTimeFlow(const Flow&, const Arguments&...) -> RealTimeFlow<Flow>;

}  // namespace pathline
