/// \file
/// Policies chosen at run time, for the command line: a trace estimator and a gradient method, each of them one type
/// whatever was chosen.
#pragma once

#include <examples/cnf/options.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/ode/statistics.hpp>

#include <span>
#include <variant>

namespace examples::cnf {

/// The concept of a trace speaks of numbers of tangents and of filling them: the choice costs one visit a solve.
struct AnyTrace {
  std::variant<pathline::ExactTrace, pathline::Hutchinson<pathline::Rademacher>,
               pathline::Hutchinson<pathline::Gaussian>>
      choice;

  [[nodiscard]] pathline::Index tangents(pathline::Index d) const {
    return std::visit([d](const auto& trace) { return trace.tangents(d); }, choice);
  }
  [[nodiscard]] double weight(pathline::Index d, pathline::Index j) const {
    return std::visit([&](const auto& one) { return one.weight(d, j); }, choice);
  }
  template <pathline::Real Scalar>
  void fill(const pathline::Draw& draw, std::span<const pathline::Index> samples, pathline::BatchMap<Scalar> V,
            pathline::Workspace<Scalar>& workspace) const {
    std::visit([&](const auto& trace) { trace.fill(draw, samples, V, workspace); }, choice);
  }
};

[[nodiscard]] inline AnyTrace trace_named(const Options& options) {
  if (options.trace == "rademacher") return {pathline::Hutchinson<pathline::Rademacher>{options.probes}};
  if (options.trace == "gaussian") return {pathline::Hutchinson<pathline::Gaussian>{options.probes}};
  return {pathline::ExactTrace{}};
}

/// A gradient method is asked once a solve, and once more for the way back. (A solver chosen so would cost a visit in
/// every step: it has a source of its own, flow_*.cpp.)
struct AnyGradient {
  bool adjoint = false;

  /// Of both methods. The one of backpropagation also serves the flow.
  template <class G, class Method>
  struct Memory : pathline::Backpropagation<>::Memory<G, Method> {
    pathline::Adjoint::Memory<G, Method> of_adjoint;
  };

  template <class Method, class Control, class G, class... More>
  pathline::Statistics forward(const Method& method, const Control& control, const G& dynamics,
                               pathline::Batch<typename G::Scalar>& y, std::span<const double> times,
                               std::span<pathline::Batch<typename G::Scalar>> outputs,
                               Memory<G, Method>& memory) const {
    if (adjoint) return pathline::Adjoint{}.forward(method, control, dynamics, y, times, outputs, memory.of_adjoint);
    return pathline::Backpropagation<>{}.forward(method, control, dynamics, y, times, outputs, memory);
  }
  /// \param step_cost_bar  Of no consequence: neither method has a cost of the steps here.
  template <class Method, class Control, class G>
  pathline::Statistics backward(const Method& method, const Control& control, const G& dynamics,
                                std::span<const double> times,
                                std::span<const pathline::Batch<typename G::Scalar>> outputs_bar,
                                pathline::BatchRef<typename G::Scalar> y_bar,
                                pathline::VectorRef<typename G::Scalar> theta_bar, Memory<G, Method>& memory,
                                typename G::Scalar step_cost_bar = 1) const {
    if (adjoint)
      return pathline::Adjoint{}.backward(method, control, dynamics, times, outputs_bar, y_bar, theta_bar,
                                          memory.of_adjoint);
    return pathline::Backpropagation<>{}.backward(method, control, dynamics, times, outputs_bar, y_bar, theta_bar,
                                                  memory, step_cost_bar);
  }
};

}  // namespace examples::cnf
