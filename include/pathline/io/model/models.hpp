/// \file
/// Flows and neural ODEs in files: the field and every policy by its kind, whether the type names it or takes the
/// default. Threads are the program's own affair and not kept: no number depends on them.
#pragma once

#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>
#include <pathline/io/model/solvers.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace pathline::io {

namespace detail {

using pathline::detail::PartsAccess;

/// How many regularizers there are, and each by its number.
template <class Tuple>
struct RegularizerParts;
template <class... R>
struct RegularizerParts<std::tuple<R...>> {
  static void describe(const std::tuple<R...>& regularizers, Description& out) {
    std::size_t i = 0;
    out.fixed("regularizers", std::to_string(sizeof...(R)));
    std::apply([&](const auto&... one) { (out.part("regularizers." + std::to_string(i++), one), ...); }, regularizers);
  }
  [[nodiscard]] static std::tuple<Part<R>...> read(ModelReader& in) {
    in.fixed("regularizers", std::to_string(sizeof...(R)));
    return [&in]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple<Part<R>...>{in.part<R>("regularizers." + std::to_string(I))...};
    }
    (std::index_sequence_for<R...>{});
  }
};

}  // namespace detail

template <class FieldType, class... Policies>
struct Described<Cnf<FieldType, Policies...>> {
  using Flow = Cnf<FieldType, Policies...>;
  using Parts = pathline::detail::FlowParts<FieldType, Policies...>;
  using Regularizers = detail::RegularizerParts<typename Parts::Regularizers>;
  static constexpr std::string_view name = "Cnf";

  static void describe(const Flow& flow, Description& out) {
    const Parts& parts = detail::PartsAccess::parts(flow);
    out.scalar<typename Flow::Scalar>("scalar");
    out.scalar<typename Flow::DataScalar>("data_scalar");
    out.part("field", parts.field);
    out.part("trace", parts.trace);
    out.part("evaluation_trace", parts.evaluation);
    out.part("solver", parts.method);
    out.part("step_control", parts.control);
    out.part("evaluation_solver", parts.evaluation_solver);
    out.part("gradient", parts.gradient);
    out.part("base", parts.base);
    out.part("data_transform", parts.transform);
    out.part("context_transform", parts.context_transform);
    Regularizers::describe(parts.regularizers, out);
    out.part("end_time", parts.end_time);
    out.part("likelihood_weight", parts.likelihood_weight);
    out.part("time_span", parts.time);
    out.part("chunk_width", parts.chunk_width);
  }

  static Flow read(ModelReader& in) {
    in.scalar<typename Flow::Scalar>("scalar");
    in.scalar<typename Flow::DataScalar>("data_scalar");
    auto field = in.part<FieldType>("field");
    // All of them are looked at before anything is made of them. Braces evaluate in order.
    auto policies = std::tuple_cat(
        std::tuple{in.part<typename Parts::Trace>("trace"), in.part<typename Parts::Evaluation>("evaluation_trace"),
                   in.part<typename Parts::Method>("solver"), detail::read_step_control<typename Parts::Control>(in),
                   in.part<typename Parts::Evaluator>("evaluation_solver"),
                   in.part<typename Parts::Gradient>("gradient"), in.part<typename Parts::Base>("base"),
                   in.part<typename Parts::Transform>("data_transform"),
                   in.part<typename Parts::Context>("context_transform"), in.part<typename Parts::EndTime>("end_time"),
                   in.part<LikelihoodWeight>("likelihood_weight"), in.part<TimeSpan>("time_span"),
                   in.part<ChunkWidth>("chunk_width")},
        Regularizers::read(in));
    return std::apply(
        [&](auto&... policy) {
          return detail::PartsAccess::make<Flow>(
              Parts(std::move(field.value()), std::tuple(std::move(policy.value())...)));
        },
        policies);
  }
};

template <class FieldType, class... Policies>
struct Described<NeuralOde<FieldType, Policies...>> {
  using Ode = NeuralOde<FieldType, Policies...>;
  using Parts = pathline::detail::OdeParts<FieldType, Policies...>;
  static constexpr std::string_view name = "NeuralOde";

  static void describe(const Ode& ode, Description& out) {
    const Parts& parts = detail::PartsAccess::parts(ode);
    out.scalar<typename Ode::Scalar>("scalar");
    out.part("field", parts.field);
    out.part("solver", parts.method);
    out.part("step_control", parts.control);
    out.part("gradient", parts.gradient);
    out.part("chunk_width", parts.chunk_width);
  }

  static Ode read(ModelReader& in) {
    in.scalar<typename Ode::Scalar>("scalar");
    auto field = in.part<FieldType>("field");
    auto method = in.part<typename Parts::Method>("solver");
    auto control = detail::read_step_control<typename Parts::Control>(in);
    auto gradient = in.part<typename Parts::Gradient>("gradient");
    auto chunk_width = in.part<ChunkWidth>("chunk_width");
    return detail::PartsAccess::make<Ode>(Parts(
        std::move(field.value()), std::tuple(method.value(), control.value(), gradient.value(), chunk_width.value())));
  }
};

}  // namespace pathline::io
