/// \file
/// Scratch memory that is allocated once and used again and again: a stack of scalars.
///
/// A function that needs scratch opens a `Frame`, takes batches from it, and gives all of them back when the frame
/// closes. The memory stays with the workspace, so that the second pass through the same code allocates nothing.
/// Buffers never move while their frame is open. One workspace serves one thread.
#pragma once

#include <pathline/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pathline {

template <Real Scalar>
class Workspace {
  // Eigen aligns its own buffers to the vector width, which is at most a cache line; a slack of one line does the rest.
  static constexpr Index line = 64 / Index(sizeof(Scalar));

 public:
  /// Everything taken from a frame is given back at the end of its scope. Frames nest like scopes.
  class Frame {
   public:
    explicit Frame(Workspace& workspace) : workspace_(workspace), block_(workspace.block_), used_(workspace.used_) {}
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() {
      workspace_.block_ = block_;
      workspace_.used_ = used_;
    }

    /// `count` scalars, not initialised, aligned to 64 bytes.
    [[nodiscard]] std::span<Scalar> scalars(Index count) { return {workspace_.take(count), std::size_t(count)}; }
    /// rows × columns, not initialised, contiguous.
    [[nodiscard]] BatchMap<Scalar> batch(Index rows, Index columns) {
      return BatchMap<Scalar>(workspace_.take(rows * columns), rows, columns);
    }
    /// rows × 1, not initialised.
    [[nodiscard]] VectorMap<Scalar> vector(Index rows) { return VectorMap<Scalar>(workspace_.take(rows), rows); }

   private:
    Workspace& workspace_;
    std::size_t block_;
    Index used_;
  };

  Workspace() = default;
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) noexcept = default;
  /// A copy starts empty: scratch has no value worth copying, and an open frame belongs to one workspace.
  Workspace(const Workspace&) {}
  Workspace& operator=(const Workspace&) { return *this; }
  ~Workspace() = default;

  /// Scalars held, in use or not.
  [[nodiscard]] Index capacity() const noexcept {
    Index sum = 0;
    for (const Vector<Scalar>& block : blocks_) sum += block.size();
    return sum;
  }

  /// Rounds a count up so that the next buffer starts on a cache line.
  [[nodiscard]] static constexpr Index padded(Index count) noexcept { return (count + line - 1) / line * line; }

 private:
  static constexpr Index smallest_block = 1 << 14;

  Scalar* take(Index count) {
    const Index need = padded(count);
    while (block_ < blocks_.size() && used_ + need + line > blocks_[block_].size()) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) {
      const Index last = blocks_.empty() ? smallest_block : 2 * blocks_.back().size();
      blocks_.emplace_back(std::max(need + line, last));
      used_ = 0;
    }
    Scalar* const first = blocks_[block_].data();
    const auto address = reinterpret_cast<std::uintptr_t>(first);
    const Index skip = Index((64 - address % 64) % 64 / sizeof(Scalar));
    Scalar* const result = first + skip + used_;
    used_ += need;
    return result;
  }

  std::vector<Vector<Scalar>> blocks_;
  std::size_t block_ = 0;
  Index used_ = 0;
};

}  // namespace pathline
