/// \file
/// Names of a flow's policies in files, with their settings and statistics.
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/end_time/end_time.hpp>
#include <pathline/flow/end_time/steer.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/regularizer/acceleration_and_jerk.hpp>
#include <pathline/flow/regularizer/hamilton_jacobi_bellman.hpp>
#include <pathline/flow/regularizer/jacobian_norm.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/antithetic_hutchinson.hpp>
#include <pathline/flow/trace/hutch_plus_plus.hpp>
#include <pathline/flow/trace/orthogonal_hutchinson.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/solvers.hpp>

#include <string_view>

namespace pathline::io {

// Traces.

namespace detail {

/// A trace that refuses its settings where it is asked for its tangents.
struct CheckedTrace {
  static void check(const auto& trace) { (void)trace.tangents(1); }
};

}  // namespace detail

template <>
struct Described<Rademacher> {
  static constexpr std::string_view name = "Rademacher";
};
template <>
struct Described<Gaussian> {
  static constexpr std::string_view name = "Gaussian";
};
template <>
struct Described<ExactTrace> {
  static constexpr std::string_view name = "ExactTrace";
};
template <>
struct Described<ClosedFormTrace> {
  static constexpr std::string_view name = "ClosedFormTrace";
};
template <class Noise>
requires HasDescription<Noise>
struct Described<Hutchinson<Noise>> : detail::CheckedTrace {
  static constexpr std::string_view name = "Hutchinson";
  static void visit(auto& trace, auto& io) {
    io.fixed("noise", Described<Noise>::name);
    io.setting("probes", trace.probes);
  }
};
template <class Noise>
requires HasDescription<Noise>
struct Described<AntitheticHutchinson<Noise>> : detail::CheckedTrace {
  static constexpr std::string_view name = "AntitheticHutchinson";
  static void visit(auto& trace, auto& io) {
    io.fixed("noise", Described<Noise>::name);
    io.setting("pairs", trace.pairs);
    io.choice("split", trace.split, {"random", "in_the_middle"});
  }
};
template <>
struct Described<OrthogonalHutchinson> : detail::CheckedTrace {
  static constexpr std::string_view name = "OrthogonalHutchinson";
  static void visit(auto& trace, auto& io) { io.setting("probes", trace.probes); }
};
template <>
struct Described<HutchPlusPlus> : detail::CheckedTrace {
  static constexpr std::string_view name = "HutchPlusPlus";
  static void visit(auto& trace, auto& io) {
    io.setting("directions", trace.directions);
    io.setting("probes", trace.probes);
  }
};

// What a flow answers by.

template <class Estimator>
struct Described<EvaluationTrace<Estimator>> {
  static constexpr std::string_view name = "EvaluationTrace";
  static void visit(auto& evaluation, auto& io) {
    io.part("estimator", evaluation.estimator);
    io.setting("seed", evaluation.seed);
  }
};
template <class Method, class Control>
struct Described<EvaluationSolver<Method, Control>> {
  static constexpr std::string_view name = "EvaluationSolver";
  static void describe(const EvaluationSolver<Method, Control>& evaluation, Description& out) {
    out.part("solver", evaluation.method);
    out.part("step_control", evaluation.control);
  }
  static EvaluationSolver<Method, Control> read(ModelReader& in) {
    auto method = in.part<Method>("solver");
    auto control = detail::read_step_control<Control>(in);
    return {method.value(), control.value()};
  }
};

// Costs and weights.

namespace detail {

struct DescribedWeight {
  static void visit(auto& cost, auto& io) { io.setting("weight", cost.weight); }
};

}  // namespace detail

template <>
struct Described<KineticEnergy> : detail::DescribedWeight {
  static constexpr std::string_view name = "KineticEnergy";
};
template <>
struct Described<JacobianNorm> : detail::DescribedWeight {
  static constexpr std::string_view name = "JacobianNorm";
};
template <>
struct Described<HamiltonJacobiBellman> : detail::DescribedWeight {
  static constexpr std::string_view name = "HamiltonJacobiBellman";
};
template <>
struct Described<DirectionalDerivative> : detail::DescribedWeight {
  static constexpr std::string_view name = "DirectionalDerivative";
};
template <>
struct Described<Jerk> : detail::DescribedWeight {
  static constexpr std::string_view name = "Jerk";
};
template <>
struct Described<LikelihoodWeight> : detail::DescribedWeight {
  static constexpr std::string_view name = "LikelihoodWeight";
};

// Time and chunks.

template <>
struct Described<FixedEndTime> {
  static constexpr std::string_view name = "FixedEndTime";
};
template <>
struct Described<Steer> {
  static constexpr std::string_view name = "Steer";
  static void visit(auto& end_time, auto& io) { io.setting("half_width", end_time.half_width); }
};
template <>
struct Described<SteerAbsolute> {
  static constexpr std::string_view name = "SteerAbsolute";
  static void visit(auto& end_time, auto& io) { io.setting("half_width", end_time.half_width); }
};
template <>
struct Described<TimeSpan> {
  static constexpr std::string_view name = "TimeSpan";
  static void visit(auto& span, auto& io) {
    io.setting("data", span.data);
    io.setting("base", span.base);
  }
};
template <>
struct Described<ChunkWidth> {
  static constexpr std::string_view name = "ChunkWidth";
  static void visit(auto& width, auto& io) { io.setting("columns", width.columns); }
};

}  // namespace pathline::io
