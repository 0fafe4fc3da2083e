/// \file
/// Mini-batches of rows that need not fit into memory, in a new random order each time all have been drawn:
///
///     const io::NpyRows<float> rows("x.npy");                    // or RowsInMemory, rows_by_function
///     const auto parts = hold_out(rows, 10'000, rng);
///     Cnf flow(Mlp<float, Tanh>(8, {64, 64}, rng), standardize(parts.rest));
///     fit(flow, ShuffledSource(parts.rest, {.epoch = 1'000'000}), all_of(parts.held_out), {.epochs = 50}, rng);
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/fingerprint.hpp>
#include <pathline/core/keyed_permutation.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/train/batch_source.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/source/row_order.hpp>
#include <pathline/train/source/row_set.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace pathline {

struct ShuffleOptions {
  /// Rows of an epoch of `fit`, after which it validates and keeps checkpoints; the next epoch goes on with the rows
  /// that were not drawn yet. 0: all. Another call of `fit` begins with a new order of all rows.
  Index epoch = 0;
  Index block_bytes = Index{1} << 16;   ///< Read at once.
  Index window_bytes = Index{1} << 26;  ///< Kept in memory, and drawn from at random.
  /// Whether the last number of a row is its weight, and no part of the sample. Weights are relative: a row of weight 3
  /// counts as three rows do. One of weight 0 is drawn as all others, and counts as nothing; the model must have a
  /// finite loss there, which is multiplied by 0.
  bool last_is_weight = false;
  double mean_weight = 0;  ///< Of all rows. 0: one pass over them, when the source is made, finds it.
};

/// A batch source, see above. Within a call of `fit`, and the runs that resume it, every row is drawn once before any
/// is drawn again; a mini-batch of the end of one such pass has its last rows from the next. Nothing grows with n:
/// orders are keyed permutations.
///
/// Rows in memory are drawn in fully random order. So are others where a window holds all of them. Of more rows, blocks
/// of neighbours are read in random order, and rows are drawn at random from a window of 1024 blocks. From a file that
/// is not cached, a row of 32 bytes takes 0.07 us in a block, and 93 us where each is read by itself, as it is with
/// `block_bytes` no larger than a row. Of rows that are sorted, a mini-batch has those of at most 1024 places.
///
/// Numbers that are not finite and weights below 0 are refused as they are read, with their row. Weights become factors
/// of the losses of their rows, over the mean weight, so that mini-batches have the weighted mean without bias; equal
/// ones are factors of exactly 1. The model is trained with rows that have d numbers, d + 1 with the weight.
template <class Rows>
class ShuffledSource {
  static_assert(RowSet<Rows>,
                "ShuffledSource: the rows need Scalar, dim(), size() and read(first, X); of a batch, give "
                "RowsInMemory(X)");
  using Set = detail::RowsOrNone<Rows>;
  static constexpr bool in_memory = requires(const Set& rows) { rows.column(Index{}); };

 public:
  using Scalar = typename Set::Scalar;
  /// Where the run is: which order, and how far. A run that is resumed goes on there.
  class Memory {
   public:
    template <class Visit>
    void state(Visit& visit) {
      visit("order", order_);
      visit("next_order", next_);
      visit("position", position_);
    }

   private:
    friend ShuffledSource;
    Rng order_{0}, next_{0};  // whose next draws are those of this pass over the rows and of the one after it
    Index position_ = -1;     // in that pass, of the epoch's first row; -1: nothing has been drawn
    Batch<Scalar> full_, last_;
    std::vector<Index> samples_;
    std::vector<Scalar> row_, factors_;  // of rows with a weight
    KeyedPermutation rows_of_pass_[2];   // of rows in memory
    detail::RowOrder order_of_pass_[2];
    Rng loaded_order_{0};
    Index loaded_ = -1;  // the window
    Batch<Scalar> window_;
    std::vector<Index> firsts_;  // row of each of its blocks
    KeyedPermutation slots_;
  };

  /// Refers to the rows, which outlive it.
  /// \throws ArgumentError for options that cannot be.
  explicit ShuffledSource(const Rows& rows, const ShuffleOptions& options = {}) {
    if constexpr (RowSet<Rows>) set(rows, options);
  }
  explicit ShuffledSource(const Rows&& rows, const ShuffleOptions& options = {}) = delete;

  [[nodiscard]] Index samples() const { return epoch_; }
  [[nodiscard]] Index number_of(Index sample) const { return detail::number_in_data(*rows_, sample); }
  /// A checkpoint finds other rows by their number and some of them.
  template <class Visit>
  void settings(Visit& visit) const {
    visit("dimension", rows_->dim());
    visit("rows", rows_->size());
    visit("rows of a block", block_);
    visit("blocks of a window", window_);
    visit("fingerprint of some rows", detail::hexadecimal(fingerprint_of_some()));
    if (weighted()) visit("mean weight", mean_weight_);
  }

  void start_epoch(Rng& rng, Memory& memory) const {
    const Index n = rows_->size();
    if (memory.position_ >= n)
      throw ArgumentError("ShuffledSource: position", memory.position_,
                          detail::message({"below the ", n, " rows; the checkpoint is damaged: delete it"}));
    const Rng now = rng;
    (void)rng.draw();
    if (memory.position_ < 0) {
      memory.position_ = 0;
      memory.order_ = now;
    } else if ((memory.position_ += epoch_) >= n) {
      memory.position_ -= n;
      memory.order_ = memory.position_ > 0 ? memory.next_ : now;
    }
    memory.next_ = now;
    Rng passes[2]{memory.order_, memory.next_};
    for (int pass = 0; pass < 2; ++pass) {
      const Draw draw = passes[pass].draw();
      if constexpr (in_memory)
        memory.rows_of_pass_[pass] = KeyedPermutation(draw, n);
      else
        memory.order_of_pass_[pass] = detail::RowOrder(draw, n, block_, window_);
    }
  }

  [[nodiscard]] MiniBatch<const Batch<Scalar>&, Scalar> batch(Index first, Index count, Rng& /*rng*/,
                                                              Memory& memory) const {
    Batch<Scalar>& data = first == 0 || count == memory.full_.cols() ? memory.full_ : memory.last_;
    const Index n = rows_->size(), d = rows_->dim() - Index(weighted());
    data.resize(d, count);  // no-op once sized
    memory.samples_.resize(std::size_t(count));
    memory.factors_.resize(weighted() ? std::size_t(count) : 0);
    memory.row_.resize(memory.factors_.empty() ? 0 : std::size_t(d + 1));
    for (Index j = 0; j < count; ++j) {
      const Index at = memory.position_ + first + j;
      const int pass = at < n ? 0 : 1;
      Scalar* const x = data.data() + j * d;
      Index& row = memory.samples_[std::size_t(j)];
      row = draw_row(at - pass * n, pass, memory, weighted() ? memory.row_.data() : x);
      if (!weighted()) continue;
      std::copy_n(memory.row_.data(), d, x);
      memory.factors_[std::size_t(j)] = Scalar(weight_of(row, memory.row_.back()) / mean_weight_);
    }
    return {data, memory.samples_, memory.factors_};
  }

 private:
  void set(const Set& rows, const ShuffleOptions& options) {
    rows_ = &rows;
    const Index n = rows.size(), bytes = std::max<Index>(1, rows.dim()) * Index(sizeof(Scalar));
    detail::require_setting(options.block_bytes >= 1, "ShuffledSource: block_bytes", double(options.block_bytes),
                            "at least 1");
    detail::require_setting(options.window_bytes >= options.block_bytes, "ShuffledSource: window_bytes",
                            double(options.window_bytes), "at least block_bytes");
    if (options.epoch < 0 || options.epoch > n)
      throw ArgumentError("ShuffledSource: epoch", options.epoch,
                          detail::message({"from 1 to the ", n, " rows, or 0 for all"}));
    epoch_ = options.epoch > 0 ? options.epoch : n;
    block_ = std::max<Index>(1, options.block_bytes / bytes);
    window_ = std::max<Index>(1, options.window_bytes / (block_ * bytes));
    if (n <= block_ * window_) block_ = std::max<Index>(1, n), window_ = 1;
    if (options.last_is_weight) set_mean_weight(options.mean_weight);
  }

  [[nodiscard]] bool weighted() const { return mean_weight_ > 0; }
  [[nodiscard]] double weight_of(Index row, Scalar weight) const {
    if (!(weight >= 0))
      throw DataError(detail::message({"ShuffledSource: the weight of row ", detail::number_in_data(*rows_, row),
                                       " is ", double(weight), ", expected 0 or a positive number"}));
    return double(weight);
  }

  void set_mean_weight(double given) {
    const Index n = rows_->size(), d = rows_->dim() - 1;
    if (d < 1)
      throw ShapeError("ShuffledSource: a row whose last number is its weight", "numbers", d + 1, 2,
                       "the sample stands before it");
    detail::require_setting(given >= 0 && std::isfinite(given), "ShuffledSource: mean_weight", given,
                            "0 or a positive number");
    mean_weight_ = given;
    if (given > 0) return;
    Batch<Scalar> X;
    std::optional<double> same;  // as long as all are one number, which is then their mean to the last bit
    for (Index first = 0; first < n; first += block_) {
      X.resize(d + 1, std::min(block_, n - first));
      rows_->read(first, X);
      detail::require_finite_rows("ShuffledSource", *rows_, first, View<const Scalar>(X));
      double sum = 0;
      for (Index j = 0; j < X.cols(); ++j) {
        const double weight = weight_of(first + j, X(d, j));
        if (first + j == 0) same = weight;
        if (same != weight) same.reset();
        sum += weight;
      }
      mean_weight_ += sum / double(n);
    }
    mean_weight_ = same.value_or(mean_weight_);
    if (!(mean_weight_ > 0))
      throw DataError("ShuffledSource: the weight is 0 at every row, expected a positive one at least");
  }

  // Copies the row at this place of the order to x, and says which it is.
  [[nodiscard]] Index draw_row(Index at, int pass, Memory& memory, Scalar* x) const {
    const Index d = rows_->dim();
    if constexpr (in_memory) {
      const Index row = memory.rows_of_pass_[pass](at);
      std::copy_n(rows_->column(row), d, x);
      detail::require_finite_rows("ShuffledSource", *rows_, row, View<const Scalar>(x, d, 1));
      return row;
    } else {
      const detail::RowOrder& order = memory.order_of_pass_[pass];
      const Index w = at / order.window_rows();
      load(pass == 0 ? memory.order_ : memory.next_, order, w, memory);
      const Index slot = memory.slots_(at - w * order.window_rows());
      std::copy_n(memory.window_.data() + slot * d, d, x);
      const Index row = memory.firsts_[std::size_t(slot / order.block_rows())] + slot % order.block_rows();
      return row < rows_->size() ? row : row - rows_->size();
    }
  }

  void load(const Rng& which, const detail::RowOrder& order, Index w, Memory& memory) const {
    if (memory.loaded_ == w && memory.loaded_order_ == which) return;
    const bool all_there = memory.loaded_ == 0 && order.rows_of(0) == rows_->size();  // in the file's order
    memory.loaded_ = -1;
    memory.slots_ = order.slots_of(w);
    memory.firsts_.clear();
    for (Index slot = 0; slot < order.rows_of(w); slot += order.block_rows())
      memory.firsts_.push_back(order.row(w * order.window_rows() + slot));
    if (!all_there) {
      memory.window_.resize(rows_->dim(), std::min(order.window_rows(), rows_->size()));
      order.for_each_run(w, [&](Index row, Index slot, Index count) {
        auto X = memory.window_.middleCols(slot, count);
        rows_->read(row, X);
        detail::require_finite_rows("ShuffledSource", *rows_, row, View<const Scalar>(X));
      });
    }
    memory.loaded_order_ = which;
    memory.loaded_ = w;
  }

  [[nodiscard]] std::uint64_t fingerprint_of_some() const {
    const Index n = rows_->size(), some = std::min<Index>(n, 64);
    const Index d = rows_->dim();
    Batch<Scalar> X = Batch<Scalar>::Zero(d + d % 2, 1);  // a multiple of eight bytes
    std::uint64_t result = detail::fingerprint(nullptr, 0);
    for (Index i = 0; i < some; ++i) {
      rows_->read(i * n / some, X.topRows(d));
      result = detail::fingerprint(X.data(), std::size_t(X.size()) * sizeof(Scalar), result);
    }
    return result;
  }

  const Set* rows_ = nullptr;
  Index epoch_ = 0, block_ = 1, window_ = 1;
  double mean_weight_ = 0;  // 0: rows have none
};

}  // namespace pathline
