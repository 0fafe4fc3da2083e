/// \file
/// Names of the gradient methods in files, and their settings.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/checkpoint/checkpoints.hpp>
#include <pathline/gradient/record_storage.hpp>
#include <pathline/gradient/step_cost.hpp>
#include <pathline/gradient/step_regularizers.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/solvers.hpp>

#include <string>
#include <string_view>

namespace pathline::io {

template <>
struct Described<KeepTapes> {
  static constexpr std::string_view name = "KeepTapes";
};
template <>
struct Described<RecomputeStages> {
  static constexpr std::string_view name = "RecomputeStages";
};
template <>
struct Described<Checkpoints> {
  static constexpr std::string_view name = "Checkpoints";
  static void visit(auto& storage, auto& io) { io.setting("count", storage.count); }
  static void check(const Checkpoints& storage) {
    if (storage.count < 1) throw ArgumentError("count", storage.count, "at least 1");
  }
};
template <>
struct Described<MemoryBudget> {
  static constexpr std::string_view name = "MemoryBudget";
  static void visit(auto& storage, auto& io) { io.setting("bytes", storage.bytes); }
};
template <>
struct Described<NoStepCost> {
  static constexpr std::string_view name = "NoStepCost";
};

namespace detail {

struct DescribedStepCost {
  static void visit(auto& cost, auto& io) {
    io.setting("weight", cost.weight);
    io.setting("rows", cost.rows);
  }
  static void check(const auto& cost) {
    if (cost.rows < 0) throw ArgumentError("rows", std::to_string(cost.rows), "0 (all) or a positive number");
  }
};

}  // namespace detail

template <class Method>
struct Described<ErrorEstimateCost<Method>> : detail::DescribedStepCost {
  static constexpr std::string_view name = "ErrorEstimateCost";
};
template <class Method>
struct Described<StiffnessCost<Method>> : detail::DescribedStepCost {
  static constexpr std::string_view name = "StiffnessCost";
};

template <class Storage, class Cost>
struct Described<Backpropagation<Storage, Cost>> {
  static constexpr std::string_view name = "Backpropagation";
  static void visit(auto& gradient, auto& io) {
    io.part("storage", gradient.storage);
    io.part("step_cost", gradient.step_cost);
    io.choice("outputs", gradient.outputs, {"step_to", "interpolate"});
  }
};
template <>
struct Described<Adjoint> {
  static constexpr std::string_view name = "Adjoint";
  static void visit(auto& gradient, auto& io) { io.choice("norm", gradient.norm, {"seminorm", "full"}); }
};

}  // namespace pathline::io
