/// \file
/// One iteration of flow matching: base points and times for a mini-batch, its coupling, and the field's regression in
/// chunks, one evaluation and one pullback each.
#pragma once

#include <pathline/core/chunks.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/train/matching/conditional_paths.hpp>
#include <pathline/train/matching/coupling.hpp>
#include <pathline/train/matching/row_groups.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace pathline {

/// The loss of a mini-batch, and its gradient.
template <Real Scalar>
struct MatchingLoss {
  double loss = 0;                 ///< Σ_j w_j ‖f - u‖² / n: docs/maths.md, (14.3).
  Vector<Scalar> gradient;         ///< dloss/dθ.
  Batch<Scalar> context_gradient;  ///< dloss/dcontext, c × n; empty unless the flow is conditional.
  Statistics forward, backward;    ///< Evaluations and pullbacks of all chunks together.
  Index solves = 0;                ///< Number of chunks. Nothing is solved: each is one evaluation.
};

namespace detail {

/// Refers to the parts of the flow, the coupling and the path, which must outlive it.
template <class Parts, class CouplingType, class Path>
class MatchingIteration {
 public:
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;

  struct Memory {
    struct Thread {
      Workspace<Scalar> workspace;
      Batch<Scalar> point;  // one base point
    };
    struct Chunk {
      Vector<Scalar> gradient;
      typename Parts::Rounding rounding;
    };
    std::vector<Thread> threads;
    std::vector<Chunk> chunks;
    Batch<Scalar> Z, E, E_drawn;  // samples and their base points, d × n; these as they were drawn
    Row<Scalar> log_det;
    Vector<double> losses;  // of each sample
    RowGroups groups;
    Batch<Scalar> group_Z, group_E;
    std::vector<Index> group_samples, partner;
    typename CouplingType::Memory coupling;
    typename Parts::Rounding rounding;
    Index coupled = 0, alone = 0;  // rows of all mini-batches; of them those that shared their group with none
    template <class Visit>
    void state(Visit& visit) {
      visit("coupled", coupled);
      visit("alone", alone);
      if constexpr (requires { coupling.state(visit); }) coupling.state(visit);
    }
  };

  MatchingIteration(const Parts& parts, const CouplingType& coupling, const Path& path)
      : parts_(parts), coupling_(coupling), path_(path) {}

  /// Loss and gradient of raw data X with their context ((d + c) × n), finite.
  void run(View<const DataScalar> X, std::span<const Index> samples, std::span<const Scalar> weights, const Draw& draw,
           Memory& memory, MatchingLoss<Scalar>& result) const {
    const Index c = parts_.context_rows(), n = X.cols(), parameters = parts_.field.parameters().size();
    result.context_gradient.resize(c, c > 0 ? n : 0);
    const View<const Scalar> context = pair(X, samples, weights, draw, memory);
    for_each_chunk(n, widest(n), parts_.threads.number, [&](Index i, ColumnChunk columns, int thread) {
      typename Memory::Chunk& chunk = memory.chunks[std::size_t(i)];
      chunk.gradient.resize(parameters);
      fill<Scalar>(chunk.gradient, 0);
      regress(columns, context, samples, draw, memory, memory.threads[std::size_t(thread)].workspace,
              [&](const Evaluation& at) { pull_back(at, columns, weights, double(n), chunk.gradient, result); });
    });
    result.loss = 0;
    for (Index j = 0; j < n; ++j)
      result.loss += (weights.empty() ? 1 : double(weights[std::size_t(j)])) * memory.losses(j) / double(n);
    const Index chunks = chunk_count(n, widest(n));
    result.gradient.resize(parameters);
    fill<Scalar>(result.gradient, 0);
    for (Index i = 0; i < chunks; ++i)  // in this order, so that the sum has the same bits for every number of threads
      add<Scalar>(View<const Scalar>(memory.chunks[std::size_t(i)].gradient), result.gradient);
    result.forward = result.backward = Statistics{};
    result.forward.evaluations = result.backward.evaluations = result.solves = chunks;
    parts_.pull_back_context(X, result.context_gradient, memory.rounding);
  }

  /// ‖f - u‖² of each sample, in memory.losses.
  void evaluate(View<const DataScalar> X, std::span<const Index> samples, const Draw& draw, Memory& memory) const {
    const View<const Scalar> context = pair(X, samples, {}, draw, memory);
    for_each_chunk(X.cols(), widest(X.cols()), parts_.threads.number, [&](Index, ColumnChunk columns, int thread) {
      regress(columns, context, samples, draw, memory, memory.threads[std::size_t(thread)].workspace,
              [](const Evaluation&) {});
    });
  }

 private:
  // Of a chunk of n columns: side inputs, points on the paths, f - u (d × n), and what the field left for its pullback.
  struct Evaluation {
    View<Scalar> S, Z, residual;
    std::span<Scalar> tape;
    Workspace<Scalar>& workspace;
  };

  [[nodiscard]] Index widest(Index n) const { return parts_.widest_chunk(n, 0); }
  // Draws of their own beside that of the base points: times, and what a coupling draws.
  [[nodiscard]] static Draw time_draw(const Draw& draw) { return Parts::block_draw(draw, 1); }
  [[nodiscard]] static Draw coupling_draw(const Draw& draw) { return Parts::block_draw(draw, 2); }

  // Samples in the flow's coordinates and their base points, in memory.Z and memory.E. Returns the context (c × n) as
  // the field reads it. A base point is that of the sample's id, so that it does not depend on the mini-batch.
  View<const Scalar> pair(View<const DataScalar> X, std::span<const Index> samples, std::span<const Scalar> weights,
                          const Draw& draw, Memory& memory) const {
    const Index d = parts_.field.dim(), n = X.cols();
    memory.threads.resize(std::max(memory.threads.size(), std::size_t(thread_count(parts_.threads.number))));
    memory.chunks.resize(std::max(memory.chunks.size(), std::size_t(chunk_count(n, widest(n)))));
    for (Batch<Scalar>* points : {&memory.Z, &memory.E, &memory.E_drawn}) points->resize(d, n);
    memory.log_det.resize(n);
    memory.losses.resize(n);
    for_each_chunk(n, widest(n), parts_.threads.number, [&](Index i, ColumnChunk columns, int thread) {
      const auto [first, count] = columns;
      try {
        parts_.to_coordinates(X.block(0, first, d, count), View<Scalar>(memory.Z).middleCols(first, count),
                              View<Scalar>(memory.log_det).middleCols(first, count),
                              memory.chunks[std::size_t(i)].rounding);
      } catch (const DomainError& error) {
        throw error.counted_from(columns.first);
      }
      Batch<Scalar>& point = memory.threads[std::size_t(thread)].point;
      point.resize(d, 1);
      for (Index j = columns.first; j < columns.first + columns.count; ++j) {
        parts_.base.sample(draw, samples[std::size_t(j)], point);
        std::copy_n(point.data(), d, memory.E_drawn.data() + j * d);
      }
    });
    if (!all_finite<Scalar>(memory.E_drawn)) require_finite("FlowMatching: a draw of the base density", memory.E_drawn);
    couple(X.bottomRows(parts_.context_rows()), samples, weights, draw, memory);
    return parts_.context_of(X, memory.rounding);
  }

  void couple(View<const DataScalar> context, std::span<const Index> samples,
              [[maybe_unused]] std::span<const Scalar> weights, const Draw& draw, Memory& memory) const {
    if constexpr (std::same_as<CouplingType, IndependentCoupling>) {
      copy<Scalar>(memory.E_drawn, memory.E);
    } else {
      const Index d = memory.Z.rows();
      RowGroups& groups = memory.groups;
      groups.set(context, weights);
      memory.coupled += memory.Z.cols();
      Index first = 0;
      for (const Index end : groups.ends) {
        if (end - first == 1) ++memory.alone;
        const std::span<const Index> rows =
            std::span(groups.order).subspan(std::size_t(first), std::size_t(end - first));
        memory.group_Z.resize(d, Index(rows.size()));
        memory.group_E.resize(d, Index(rows.size()));
        memory.group_samples.resize(rows.size());
        memory.partner.resize(rows.size());
        for (std::size_t k = 0; k < rows.size(); ++k) {
          std::copy_n(memory.Z.data() + rows[k] * d, d, memory.group_Z.data() + Index(k) * d);
          std::copy_n(memory.E_drawn.data() + rows[k] * d, d, memory.group_E.data() + Index(k) * d);
          memory.group_samples[k] = samples[std::size_t(rows[k])];
        }
        coupling_.pair(View<const Scalar>(memory.group_Z), View<const Scalar>(memory.group_E),
                       std::span<const Index>(memory.group_samples), coupling_draw(draw),
                       std::span<Index>(memory.partner), memory.coupling);
        for (std::size_t k = 0; k < rows.size(); ++k) {
          const Index partner = memory.partner[k];
          if (partner < 0 || partner >= Index(rows.size()))
            throw ArgumentError("FlowMatching: a partner by the coupling", partner,
                                message({"from 0 to ", Index(rows.size()) - 1}));
          std::copy_n(memory.group_E.data() + partner * d, d, memory.E.data() + rows[k] * d);
        }
        first = end;
      }
    }
  }

  // The field against its target on a chunk: writes its columns of memory.losses and hands the rest to `then`.
  template <class Then>
  void regress(ColumnChunk columns, View<const Scalar> context, std::span<const Index> samples, const Draw& draw,
               Memory& memory, Workspace<Scalar>& workspace, const Then& then) const {
    const auto& field = parts_.field;
    const Index d = field.dim(), n = columns.count, c = context.rows();
    const typename Workspace<Scalar>::Unchanged unchanged(workspace, field.parameters());
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> S = frame.batch(1 + c, n), Z = frame.batch(d, n), target = frame.batch(d, n),
                       F = frame.batch(d, n);
    const double span = parts_.time.base - parts_.time.data, first = first_position(path_);
    for (Index j = 0; j < n; ++j) {
      const Index column = columns.first + j;
      const double uniform = time_draw(draw).template number_at<Uniform>(samples[std::size_t(column)], 0);
      const double s = first + (1 - first) * uniform;
      const PathCoefficients at = path_.at(s);
      S(0, j) = Scalar(parts_.time.data + span * s);
      for (Index i = 0; i < c; ++i) S(1 + i, j) = context(i, column);
      for (Index i = 0; i < d; ++i) {
        const double z = double(memory.Z(i, column)), e = double(memory.E(i, column));
        Z(i, j) = Scalar(at.data * z + at.base * e);
        target(i, j) = Scalar((at.data_rate * z + at.base_rate * e) / span);
      }
    }
    const std::span<Scalar> tape = frame.scalars(field.tape_size(n, 0));
    field.linearize(S, Z, n, F, tape, workspace);
    axpy<Scalar>(-1, target, F);
    for (Index j = 0; j < n; ++j)
      memory.losses(columns.first + j) = double(dot<Scalar>(F.data() + j * d, F.data() + j * d, d));
    then(Evaluation{S, Z, F, tape, workspace});
  }

  void pull_back(const Evaluation& at, ColumnChunk columns, std::span<const Scalar> weights, double batch,
                 Vector<Scalar>& theta_bar, MatchingLoss<Scalar>& result) const {
    const Index d = at.Z.rows(), n = columns.count, c = at.S.rows() - 1;
    typename Workspace<Scalar>::Frame frame(at.workspace);
    const View<Scalar> Z_bar = frame.batch(d, n), S_bar = frame.batch(1 + c, n), F_bar = at.residual;
    for (Index j = 0; j < n; ++j) {
      const double weight = weights.empty() ? 1 : double(weights[std::size_t(columns.first + j)]);
      scale<Scalar>(Scalar(2 * weight / batch), F_bar.col(j));
    }
    fill<Scalar>(S_bar, 0);
    parts_.field.pullback(at.S, at.Z, n, at.tape, F_bar, Z_bar, S_bar, View<Scalar>(theta_bar), at.workspace);
    if (c > 0) copy<Scalar>(S_bar.bottomRows(c), View<Scalar>(result.context_gradient).middleCols(columns.first, n));
  }

  const Parts& parts_;
  const CouplingType& coupling_;
  const Path& path_;
};

}  // namespace detail
}  // namespace pathline
