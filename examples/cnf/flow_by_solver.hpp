/// \file
/// The template behind every flow_*.cpp: puts a flow together from its parts.
#pragma once

#include <examples/cnf/any_policies.hpp>
#include <examples/cnf/solved_flow.hpp>

#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <memory>
#include <span>
#include <vector>

namespace examples::cnf {

template <class Solver, class Control>
class FlowBySolver final : public SolvedFlow {
 public:
  FlowBySolver(const Field& field, const Transform& transform, const Control& control, const Options& options)
      : flow_(field, trace_named(options), Solver{}, control, AnyGradient{.adjoint = options.gradient == "adjoint"},
              transform, pathline::KineticEnergy{.weight = options.kinetic_energy},
              pathline::Threads{options.threads}) {}

  [[nodiscard]] pathline::Parameters<float>& parameters() override { return flow_.parameters(); }
  void value_and_gradient(const pathline::DataRef<double>& X, std::span<const pathline::Index> samples,
                          const pathline::Draw& draw, Memory& memory,
                          pathline::TrainingLoss<float>& result) const override {
    if (!memory) memory = std::make_shared<typename Flow::Memory>();
    flow_.value_and_gradient(X, samples, draw, *static_cast<typename Flow::Memory*>(memory.get()), result);
  }
  [[nodiscard]] pathline::Row<float> log_prob(const pathline::DataRef<double>& X) const override {
    return flow_.log_prob(X);
  }
  [[nodiscard]] pathline::Row<float> refined_log_prob(const pathline::DataRef<double>& X) const override {
    return flow_.refined_log_prob(X);
  }
  [[nodiscard]] pathline::SolverRefinement refinement() const override { return flow_.refinement(); }
  [[nodiscard]] pathline::Batch<double> sample(pathline::Index count, pathline::Rng& rng) const override {
    return flow_.sample(count, rng);
  }
  [[nodiscard]] std::vector<pathline::Batch<float>> trajectory(const pathline::DataRef<double>& X,
                                                               const std::vector<double>& times) const override {
    return flow_.trajectory(X, times);
  }

 private:
  using Flow = pathline::Cnf<Field, AnyTrace, Solver, Control, AnyGradient, Transform, pathline::KineticEnergy,
                             pathline::Threads>;
  Flow flow_;
};

template <class Solver>
std::unique_ptr<SolvedFlow> make_flow(const Field& field, const Transform& transform, const Options& options) {
  if constexpr (pathline::EmbeddedMethod<Solver>)
    return std::make_unique<FlowBySolver<Solver, pathline::PiController>>(
        field, transform, pathline::PiController{.rtol = options.tolerance, .atol = options.tolerance}, options);
  else
    return std::make_unique<FlowBySolver<Solver, pathline::FixedSteps>>(field, transform,
                                                                        pathline::FixedSteps(options.steps), options);
}

}  // namespace examples::cnf
