/// \file
/// Dynamics of samples that are each at a time of its own, quadrature rows included: what SampleSolve calls for a flow,
/// as it calls a SampleField for a field alone.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/math/view_loops.hpp>

#include <concepts>
#include <span>

namespace pathline::detail {

/// Dynamics that can be looked at a few samples at a time: FieldDynamics and AugmentedDynamics.
template <class G>
concept DynamicsBySample = Dynamics<G> &&
    requires(const G g, std::span<const double> times, std::span<const Index> samples,
             typename Workspace<typename G::Scalar>::Frame& frame) {
  { g.of_samples(times, samples, frame) } -> std::same_as<G>;
  { g.of_width(Index(1)) } -> std::same_as<G>;
  g.field();
  g.side_inputs();
};

/// Refers to the dynamics of the whole chunk, columns() samples. Each column of a call is one of them, or a copy.
template <DynamicsBySample G>
class SampleDynamics {
 public:
  using Scalar = typename G::Scalar;

  explicit SampleDynamics(const G& g) : g_(&g) {}

  [[nodiscard]] Index dim() const { return g_->rows(); }
  [[nodiscard]] Index error_rows() const { return g_->error_rows(); }
  [[nodiscard]] View<const Scalar> parameters() const {
    if constexpr (requires { g_->field().slice(); })
      return g_->field().slice();
    else
      return g_->field().parameters();
  }
  [[nodiscard]] Index tape_size(Index columns) const { return g_->of_width(columns).tape_size(); }
  [[nodiscard]] Index evaluation_tape_size(Index columns) const {
    return detail::evaluation_tape_size(g_->of_width(columns));
  }

  /// dY = g(t_j, y_j), rows × n. \param samples  Which of the samples each column is.
  void evaluate(std::span<const double> t, std::span<const Index> samples, const View<const Scalar>& Y,
                const View<Scalar>& dY, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    g_->of_samples(t, samples, frame).evaluate(0, Y, dY, tape, workspace);
  }

  /// Overwrites Y_bar (rows × n; 0 in quadrature rows), adds to theta_bar and to context_bar (c × columns()).
  void pullback(std::span<const double> t, std::span<const Index> samples, const View<const Scalar>& /*Y*/,
                std::span<Scalar> tape, const View<Scalar>& dY_bar, const View<Scalar>& Y_bar,
                const View<Scalar>& theta_bar, const View<Scalar>& context_bar, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    const G g = g_->of_samples(t, samples, frame);
    const Index d = g.path_rows(), n = g.columns(), c = context_bar.rows();
    const View<Scalar> path_bar = frame.batch(d, n), all_bar = frame.vector(theta_bar.size() + c * n);
    fill<Scalar>(all_bar, 0);
    Scalar no_time(0);
    g.pullback(0, tape, dY_bar, path_bar, all_bar, no_time, workspace);
    fill<Scalar>(Y_bar, 0);
    copy<Scalar>(path_bar, Y_bar.topRows(d));
    add<Scalar>(all_bar.head(theta_bar.size()), theta_bar);
    const Scalar* from = all_bar.data() + theta_bar.size();
    for (const Index sample : samples)
      for (Index i = 0; i < c; ++i) context_bar(i, sample) += *from++;
  }

 private:
  const G* g_;
};

}  // namespace pathline::detail
