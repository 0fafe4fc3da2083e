/// \file
/// A list that grows by blocks, so that it never holds an old and a new copy of itself: for what a budget counts.
#pragma once

#include <cstddef>
#include <vector>

namespace pathline::detail {

/// Entries stay where they are. Memory is kept until the list is destroyed.
template <class T>
class BlockList {
  static constexpr std::size_t per_block = sizeof(T) < 2048 ? 2048 / sizeof(T) : 1;

 public:
  /// What a block takes from the heap: its entries, the heap's own words, and its place in the list of blocks, which
  /// doubles as it grows and holds up to three times as much for a while.
  static constexpr std::size_t block_bytes = per_block * sizeof(T) + 16 + 3 * sizeof(std::vector<T>);
  [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t count) {
    return (count + per_block - 1) / per_block * block_bytes;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return blocks_.size() * block_bytes; }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Whether the next entry takes a new block.
  [[nodiscard]] bool full() const noexcept { return size_ == blocks_.size() * per_block; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return blocks_[index / per_block][index % per_block]; }

  void clear() noexcept { size_ = 0; }
  void push_back(const T& value) {
    if (full()) blocks_.emplace_back(per_block);
    blocks_[size_ / per_block][size_ % per_block] = value;
    ++size_;
  }

 private:
  std::vector<std::vector<T>> blocks_;
  std::size_t size_ = 0;
};

}  // namespace pathline::detail
