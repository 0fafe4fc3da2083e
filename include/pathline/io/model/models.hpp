/// \file
/// Flows and neural ODEs in files: the field and every policy by its kind, whether the type names it or takes the
/// default. Threads are the program's own affair and not kept: no number depends on them.
#pragma once

#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/flow_policies.hpp>
#include <pathline/flow/settings.hpp>
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
  [[nodiscard]] static std::tuple<R...> values(std::tuple<Part<R>...>& read) {
    return std::apply([](Part<R>&... one) { return std::tuple<R...>(std::move(one.value())...); }, read);
  }
};

}  // namespace detail

template <class FieldType, class... Policies>
struct Described<Cnf<FieldType, Policies...>> {
  using Flow = Cnf<FieldType, Policies...>;
  using Parts = typename pathline::detail::FlowPolicies<FieldType, Policies...>::Parts;
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
    // All of them are looked at before anything is made of them.
    auto field = in.part<FieldType>("field");
    auto trace = in.part<typename Parts::Trace>("trace");
    auto evaluation = in.part<typename Parts::Evaluation>("evaluation_trace");
    auto method = in.part<typename Parts::Method>("solver");
    auto control = detail::read_step_control<typename Parts::Control>(in);
    auto evaluation_solver = in.part<typename Parts::Evaluator>("evaluation_solver");
    auto gradient = in.part<typename Parts::Gradient>("gradient");
    auto base = in.part<typename Parts::Base>("base");
    auto transform = in.part<typename Parts::Transform>("data_transform");
    auto context_transform = in.part<typename Parts::Context>("context_transform");
    auto end_time = in.part<typename Parts::EndTime>("end_time");
    auto likelihood_weight = in.part<LikelihoodWeight>("likelihood_weight");
    auto time = in.part<TimeSpan>("time_span");
    auto chunk_width = in.part<ChunkWidth>("chunk_width");
    auto regularizers = Regularizers::read(in);
    const Index parameter_count = std::as_const(field.value()).parameters().size();
    Parts parts{{.field = std::move(field.value()),
                 .parameter_count = parameter_count,
                 .base = std::move(base.value()),
                 .transform = std::move(transform.value()),
                 .context_transform = std::move(context_transform.value()),
                 .evaluation = std::move(evaluation.value()),
                 .evaluation_solver = std::move(evaluation_solver.value()),
                 .time = time.value(),
                 .chunk_width = chunk_width.value()},
                std::move(method.value()),
                std::move(control.value()),
                std::move(trace.value()),
                Regularizers::values(regularizers),
                std::move(gradient.value()),
                std::move(end_time.value()),
                likelihood_weight.value()};
    parts.check();
    return detail::PartsAccess::make<Flow>(std::move(parts));
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
    return detail::PartsAccess::make<Ode>(
        Parts(std::move(field.value()),
              pathline::detail::policy_list(method.value(), control.value(), gradient.value(), chunk_width.value())));
  }
};

}  // namespace pathline::io
