/// \file
/// Several vector fields of one kind, to be solved one after another, with a normalisation around each if wanted: the
/// stacked flows of FFJORD's code (`--num_blocks`, `--batch_norm`; Grathwohl et al. 2019).
///
///     FieldStack stack(SquashMlp<float, Tanh>::layers(6, {64, 64}), 5, rng, MovingNormalization{});
///     Cnf flow(std::move(stack), Hutchinson<>{}, Standardize(X));
///
/// A `Cnf` of a stack is a flow like any other. Each block is a solve of its own over the flow's span of time.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/stack/moving_normalization.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_field.hpp>
#include <pathline/nn/parameters.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

namespace pathline {

/// B blocks of one layer, each with parameters θ_b of its own: x → block 1 → … → block B → z. With normalisations
/// there is one before the first block and one after each, as in FFJORD's code: B + 1 of them, normalisation g before
/// block g, both counted from 0. Parameters are one flat vector, [θ_1 | … | θ_B] or, with normalisations,
/// [norm_0 | θ_1 | norm_1 | … | θ_B | norm_B].
/// \tparam L              A `Layer` from d rows to d rows, shared by all blocks; it keeps no state.
/// \tparam Normalization  `NoNormalization` or `MovingNormalization`.
template <Layer L, class Normalization = NoNormalization>
class FieldStack {
  static_assert(InitializableLayer<L>, "FieldStack: the layer needs initialize(theta, rng); see nn/layer.hpp");
  static_assert(std::same_as<Normalization, NoNormalization> || std::same_as<Normalization, MovingNormalization>,
                "FieldStack: the normalisation is NoNormalization or MovingNormalization");

 public:
  using Scalar = typename L::Scalar;
  /// What is solved. Refers to the stack.
  using Block = LayerField<L>;
  static constexpr bool normalizes = std::same_as<Normalization, MovingNormalization>;

  /// Draws θ_1, …, θ_B by the layers' own rules; the same seed and draw give the same parameters.
  /// \throws ShapeError when the layer has not as many outputs as inputs; ArgumentError when blocks is below 1, or as
  ///         the normalisation's check().
  FieldStack(L layer, Index blocks, Rng& rng, const Normalization& normalization = {})
      : layer_(std::move(layer)),
        blocks_(blocks),
        normalization_(normalization),
        parameters_(checked_count(layer_, blocks, normalization)) {
    for (Index b = 0; b < blocks; ++b)
      layer_.initialize((*parameters_).segment(block_offset(b), layer_.parameter_count()), rng);
    if constexpr (normalizes)
      for (Index g = 0; g <= blocks; ++g) Normalization::template initialize<Scalar>(slice(*parameters_, g));
  }

  [[nodiscard]] Index dim() const { return layer_.in_rows(); }
  [[nodiscard]] Index side_rows() const { return layer_.side_rows(); }
  [[nodiscard]] Index widest() const { return layer_.widest(); }
  [[nodiscard]] const L& layer() const noexcept { return layer_; }
  [[nodiscard]] const Normalization& normalization() const noexcept { return normalization_; }
  [[nodiscard]] const Vector<Scalar>& parameters() const noexcept { return *parameters_; }
  [[nodiscard]] Parameters<Scalar>& parameters() noexcept { return *parameters_; }

  /// B.
  [[nodiscard]] Index blocks() const noexcept { return blocks_; }
  /// Block b.
  /// \throws ArgumentError unless 0 ≤ b < B.
  [[nodiscard]] Block block(Index b) const {
    if (b < 0 || b >= blocks_) throw ArgumentError("FieldStack::block: b", b, "0 to " + std::to_string(blocks_ - 1));
    return Block(layer_, theta().data() + block_offset(b));
  }
  /// Where θ_b begins in the parameters.
  [[nodiscard]] Index block_offset(Index b) const {
    return (b + 1) * normalization_size() + b * layer_.parameter_count();
  }
  /// Where normalisation g, 0 ≤ g ≤ B, begins: [γ | β | mean | variance], d numbers each.
  [[nodiscard]] Index normalization_offset(Index g) const requires normalizes {
    return g * (normalization_size() + layer_.parameter_count());
  }

  /// Normalisation g of states y in place: z in the first d rows, and its log-determinant added to the next where there
  /// is one.
  template <class Derived>
  void normalize(Index g, Eigen::MatrixBase<Derived>& y) const requires normalizes {
    const Scalar log_det = normalization_.template apply<Scalar>(slice(g), y.topRows(dim()));
    if (y.rows() > dim()) y.row(dim()).array() += log_det;
  }
  /// The inverse of `normalize`.
  template <class Derived>
  void denormalize(Index g, Eigen::MatrixBase<Derived>& y) const requires normalizes {
    const Scalar log_det = normalization_.template invert<Scalar>(slice(g), y.topRows(dim()));
    if (y.rows() > dim()) y.row(dim()).array() -= log_det;
  }
  /// Given the z (d × n) that normalisation g took in: turns the cotangents y_bar of its output into those of its
  /// input, in place, and adds to theta_bar, which has the length of the parameters or more.
  template <class Derived>
  void pullback_normalization(Index g, ConstBatchRef<Scalar> Z, Eigen::MatrixBase<Derived>& y_bar,
                              Vector<Scalar>& theta_bar) const requires normalizes {
    if (theta_bar.size() < theta().size())
      require_rows("FieldStack::pullback_normalization: theta_bar", theta_bar.size(), theta().size());
    normalization_.template pullback<Scalar>(slice(g), Z, y_bar.topRows(dim()), y_bar.row(dim()).sum(),
                                             slice(theta_bar, g));
  }
  /// Moves the running statistics of normalisation g towards those of a batch that it took in.
  void update_normalization(Index g, const RowMoments& batch) requires normalizes {
    (void)theta();
    normalization_.template update<Scalar>(slice(*parameters_, g), batch);
  }

 private:
  [[nodiscard]] static Index checked_count(const L& layer, Index blocks, const Normalization& normalization) {
    require_rows("FieldStack: output of the last layer", layer.out_rows(), layer.in_rows());
    if (blocks < 1) throw ArgumentError("FieldStack: blocks", blocks, "at least 1");
    if constexpr (normalizes) normalization.check();
    return blocks * layer.parameter_count() + (blocks + 1) * normalization_size(layer.in_rows());
  }
  [[nodiscard]] static Index normalization_size(Index d) {
    if constexpr (normalizes)
      return Normalization::parameter_count(d);
    else
      return 0;
  }
  [[nodiscard]] Index normalization_size() const { return normalization_size(dim()); }
  [[nodiscard]] const Vector<Scalar>& theta() const { return (*parameters_).checked(); }
  [[nodiscard]] ConstVectorMap<Scalar> slice(Index g) const {
    return ConstVectorMap<Scalar>(theta().data() + normalization_offset(g), normalization_size());
  }
  [[nodiscard]] VectorMap<Scalar> slice(Vector<Scalar>& of, Index g) const {
    return VectorMap<Scalar>(of.data() + normalization_offset(g), normalization_size());
  }

  L layer_;
  Index blocks_;
  Normalization normalization_;
  detail::OwnParameters<Scalar> parameters_;
};

}  // namespace pathline
