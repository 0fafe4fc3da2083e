/// \file
/// What a flow does by its solver, behind one type: compiled once a solver (flow_*.cpp), while training, files and
/// pictures (flow.cpp and the rest) know no solver.
#pragma once

#include <examples/cnf/options.hpp>

#include <pathline/core/data_ref.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/refined_control.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/nn/layer_operations.hpp>
#include <pathline/nn/mlp.hpp>

#include <memory>
#include <span>
#include <vector>

namespace examples::cnf {

using Field = pathline::Mlp<float, pathline::Tanh>;
/// In double: a time in seconds, or a large identifier, keeps its spread. The network sees float.
using Transform = pathline::Standardize<double>;

/// A flow with the functions of `Cnf` that solve; their meaning is there.
class SolvedFlow {
 public:
  /// Scratch of repeated training iterations.
  using Memory = std::shared_ptr<void>;

  SolvedFlow() = default;
  SolvedFlow(const SolvedFlow&) = delete;
  SolvedFlow& operator=(const SolvedFlow&) = delete;
  virtual ~SolvedFlow() = default;
  [[nodiscard]] virtual pathline::Parameters<float>& parameters() = 0;
  virtual void value_and_gradient(const pathline::DataRef<double>& X, std::span<const pathline::Index> samples,
                                  const pathline::Draw& draw, Memory& memory,
                                  pathline::TrainingLoss<float>& result) const = 0;
  [[nodiscard]] virtual pathline::Row<float> log_prob(const pathline::DataRef<double>& X) const = 0;
  [[nodiscard]] virtual pathline::Row<float> refined_log_prob(const pathline::DataRef<double>& X) const = 0;
  [[nodiscard]] virtual pathline::SolverRefinement refinement() const = 0;
  [[nodiscard]] virtual pathline::Batch<double> sample(pathline::Index count, pathline::Rng& rng) const = 0;
  [[nodiscard]] virtual std::vector<pathline::Batch<float>> trajectory(const pathline::DataRef<double>& X,
                                                                       const std::vector<double>& times) const = 0;
};

/// A flow by this solver, with the parts that the options name. flow_by_solver.hpp.
template <class Solver>
[[nodiscard]] std::unique_ptr<SolvedFlow> make_flow(const Field& field, const Transform& transform,
                                                    const Options& options);

}  // namespace examples::cnf

// Whatever the solver: compiled in field.cpp.
extern template struct pathline::detail::LayerSweeps<examples::cnf::Field::Layers>;
