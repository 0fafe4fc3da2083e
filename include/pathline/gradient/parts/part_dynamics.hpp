/// \file
/// The dynamics of each part of a field that a method takes apart: explicit and implicit for additive methods, velocity
/// and force for symplectic ones.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/side_inputs.hpp>
#include <pathline/nn/layer.hpp>

#include <span>
#include <utility>

namespace pathline {

/// A field f_1 + f_2 that gives views of its parts, θ = [θ_1 | θ_2]: SplitField.
template <class F>
concept TwoPartField = VectorField<F> && requires(const F field) {
  { field.explicit_part() } -> VectorField;
  { field.implicit_part() } -> VectorField;
};

/// A field of [q; p] that gives views of its parts, θ = [θ_v | θ_f]: SeparableField.
template <class F>
concept SeparatedField = VectorField<F> && requires(const F field) {
  { field.velocity() } -> VectorField;
  { field.force() } -> VectorField;
};

/// The dynamics of one part. Its parameters are those of the whole, [θ_1; θ_2; context]: a pullback adds to its own.
/// \tparam F  A view of the part, which is kept as a copy.
template <VectorField F>
class PartDynamics {
 public:
  using Scalar = typename F::Scalar;
  static constexpr bool has_quadratures = false;

  /// \param offset      Where the part's parameters begin.
  /// \param parameters  The length of those of the whole, context included.
  PartDynamics(F part, Index columns, const SideInputs<Scalar>& side, Index offset, Index parameters)
      : part_(std::move(part)), side_(side), columns_(columns), offset_(offset), parameters_(parameters) {}

  [[nodiscard]] Index rows() const { return part_.dim(); }
  [[nodiscard]] Index columns() const noexcept { return columns_; }
  [[nodiscard]] Index path_rows() const { return rows(); }
  [[nodiscard]] Index error_rows() const { return rows(); }
  [[nodiscard]] Index parameter_count() const noexcept { return parameters_; }
  [[nodiscard]] Index tape_size() const { return alone().tape_size(); }
  [[nodiscard]] Index evaluation_tape_size() const { return alone().evaluation_tape_size(); }

  void evaluate(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    alone().evaluate(t, y, dy, tape, workspace);
  }
  void pullback(double t, std::span<Scalar> tape, ConstBatchRef<Scalar> dy_bar, BatchRef<Scalar> path_bar,
                VectorRef<Scalar> theta_bar, Scalar& t_bar, Workspace<Scalar>& workspace) const {
    // The field takes the head of what is left, and the context its tail.
    alone().pullback(t, tape, dy_bar, path_bar, View<Scalar>(theta_bar).tail(parameters_ - offset_), t_bar, workspace);
  }
  void jacobian(double t, ConstBatchRef<Scalar> y, BatchRef<Scalar> J, Workspace<Scalar>& workspace) const {
    alone().jacobian(t, y, J, workspace);
  }

 private:
  [[nodiscard]] FieldDynamics<F> alone() const { return FieldDynamics<F>(part_, columns_, side_); }

  F part_;
  SideInputs<Scalar> side_;
  Index columns_, offset_, parameters_;
};

namespace detail {

template <VectorField F, class Whole>
[[nodiscard]] PartDynamics<F> part_of(F part, const Whole& whole, Index offset) {
  return {std::move(part), whole.columns(), whole.side_inputs(), offset, whole.parameter_count()};
}

// The parts of the dynamics of a TwoPartField or a SeparatedField, made anew for each call.
struct ExplicitPart {
  template <TwoPartField F>
  [[nodiscard]] static auto of(const FieldDynamics<F>& whole) {
    return part_of(whole.field().explicit_part(), whole, 0);
  }
};
struct ImplicitPart {
  template <TwoPartField F>
  [[nodiscard]] static auto of(const FieldDynamics<F>& whole) {
    return part_of(whole.field().implicit_part(), whole, parameter_count(whole.field().explicit_part()));
  }
};

struct VelocityPart {
  template <SeparatedField F>
  [[nodiscard]] static auto of(const FieldDynamics<F>& whole) {
    return part_of(whole.field().velocity(), whole, 0);
  }
};
struct ForcePart {
  template <SeparatedField F>
  [[nodiscard]] static auto of(const FieldDynamics<F>& whole) {
    return part_of(whole.field().force(), whole, parameter_count(whole.field().velocity()));
  }
};

}  // namespace detail

/// The dynamics of a TwoPartField.
template <class G>
concept TwoPartDynamics = Dynamics<G> && requires(const G g) {
  detail::ExplicitPart::of(g);
};
/// The dynamics of a SeparatedField.
template <class G>
concept SeparatedDynamics = Dynamics<G> && requires(const G g) {
  detail::VelocityPart::of(g);
};

}  // namespace pathline
