/// \file
/// In which order rows are drawn that are read in blocks: as random as a window of blocks allows.
#pragma once

#include <pathline/core/keyed_permutation.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <algorithm>
#include <cstdint>

namespace pathline::detail {

/// n rows, block by block in random order, some blocks a window, and the rows of a window in random order. Blocks begin
/// at a random row and go round, so that each order has others, and its short block elsewhere. No array is kept.
class RowOrder {
 public:
  RowOrder() = default;
  /// \param block   Rows of a block.
  /// \param window  Blocks of a window.
  RowOrder(const Draw& draw, Index rows, Index block, Index window)
      : draw_(draw),
        rows_(rows),
        block_(std::min(block, rows)),
        window_(block_ * window),
        start_(block_ < rows ? Index(below(draw, std::uint64_t(rows), 1)) : 0),
        // The last block may be short, and stays at the end.
        blocks_(draw, (rows + block_ - 1) / block_ - 1) {}

  /// Rows of a window but for the last.
  [[nodiscard]] Index window_rows() const { return window_; }
  [[nodiscard]] Index block_rows() const { return block_; }
  /// Rows of window w.
  [[nodiscard]] Index rows_of(Index w) const { return std::min(window_, rows_ - w * window_); }
  /// In which order the rows of window w are drawn: slots, which follow each other block by block.
  [[nodiscard]] KeyedPermutation slots_of(Index w) const { return {draw_, rows_of(w), w + 2}; }
  /// The row in a slot, counted from 0 through all windows.
  [[nodiscard]] Index row(Index slot) const {
    const Index block = slot / block_;
    const Index row = start_ + (block < blocks_.size() ? blocks_(block) : block) * block_ + slot % block_;
    return row < rows_ ? row : row - rows_;
  }

  /// Calls read(row, slot, count) for each run of neighbouring rows of window w; slots are counted from its first.
  template <class Read>
  void for_each_run(Index w, const Read& read) const {
    const Index end = rows_of(w);
    for (Index slot = 0; slot < end;) {
      const Index first = row(w * window_ + slot);
      const Index count = std::min({block_, end - slot, rows_ - first});
      read(first, slot, count);
      if (count < std::min(block_, end - slot)) read(Index(0), slot + count, std::min(block_, end - slot) - count);
      slot += std::min(block_, end - slot);
    }
  }

 private:
  Draw draw_;
  Index rows_ = 0, block_ = 1, window_ = 1, start_ = 0;
  KeyedPermutation blocks_;
};

}  // namespace pathline::detail
