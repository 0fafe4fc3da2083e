/// \file
/// Scratch memory that is allocated once and used again and again: a stack of scalars.
///
/// A function that needs scratch opens a `Frame`, takes batches from it, and gives all of them back when the frame
/// closes. The memory stays with the workspace, so that the second pass through the same code allocates nothing.
/// Buffers never move while their frame is open. One workspace serves one thread.
///
/// It also keeps what is computed of parameters that do not change during a solve, such as weights in the order in
/// which a product reads them: `Unchanged` says that they do not, `Frame::derived` computes it once.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>

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

    /// `count` scalars that make(Scalar*) computes of the matrix A alone, aligned to 64 bytes. Where A is part of
    /// parameters that an open `Unchanged` names they are computed once and kept until that closes, else now.
    /// \param kind  Tells apart what is computed of one matrix.
    template <class Make>
    [[nodiscard]] const Scalar* derived(const View<const Scalar>& A, int kind, Index count, Make&& make) {
      return workspace_.derived(A, kind, count, make);
    }

   private:
    Workspace& workspace_;
    std::size_t block_;
    Index used_;
  };

  /// While it lives, nobody changes the parameters that it is given: the scope of a solve, which may hold another.
  class Unchanged {
   public:
    Unchanged(Workspace& workspace, const View<const Scalar>& parameters)
        : workspace_(workspace), parameters_(workspace.parameters_), first_(workspace.first_), last_(workspace.last_) {
      workspace_.parameters_ = {parameters.data(), std::size_t(parameters.size())};
      workspace_.first_ = last_;
    }
    Unchanged(const Unchanged&) = delete;
    Unchanged& operator=(const Unchanged&) = delete;
    ~Unchanged() {
      workspace_.parameters_ = parameters_;
      workspace_.first_ = first_;
      workspace_.last_ = last_;
    }

   private:
    Workspace& workspace_;
    std::span<const Scalar> parameters_;
    std::size_t first_, last_;
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
    for (const Derived& derived : derived_) sum += derived.memory.size();
    return sum;
  }

  /// Rounds a count up so that the next buffer starts on a cache line.
  [[nodiscard]] static constexpr Index padded(Index count) noexcept { return (count + line - 1) / line * line; }

 private:
  static constexpr Index smallest_block = 1 << 14;

  Scalar* take(Index count) {
    const Index need = padded(count);
    if (block_ == blocks_.size() || used_ + need + line > blocks_[block_].size()) find_block(need);
    Scalar* const result = aligned(blocks_[block_]) + used_;
    used_ += need;
    return result;
  }

  // The next block with room for `need` scalars. Rare, and apart from take(), which is compiled into many functions.
  [[gnu::noinline]] void find_block(Index need) {
    while (block_ < blocks_.size() && used_ + need + line > blocks_[block_].size()) {
      ++block_;
      used_ = 0;
    }
    if (block_ < blocks_.size()) return;
    const Index last = blocks_.empty() ? smallest_block : 2 * blocks_.back().size();
    blocks_.emplace_back(std::max(need + line, last));
    used_ = 0;
  }

  // The first scalar on a cache line; a line's worth of them before the end is not to be used.
  [[nodiscard]] static Scalar* aligned(Vector<Scalar>& memory) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    return memory.data() + (64 - address % 64) % 64 / sizeof(Scalar);
  }

  struct Derived {
    const Scalar* of;
    Index rows, columns, stride, count;
    int kind;
    Vector<Scalar> memory;
  };

  // `make` may take frames, and must not ask for anything derived: it would get the same place.
  template <class Make>
  const Scalar* derived(const View<const Scalar>& A, int kind, Index count, Make&& make) {
    const Place place = place_of(A, kind, count);
    [[maybe_unused]] const std::size_t before = last_;
    if (!place.known) make(place.scalars);
    eigen_assert(last_ == before);
    if (place.kept) keep(A, kind, count);
    return place.scalars;
  }

  struct Place {
    Scalar* scalars;
    bool known;  // whether it is computed already
    bool kept;   // whether it is to be kept, once it is computed
  };

  // What does not depend on `make` is compiled once a scalar.
  [[gnu::noinline]] Place place_of(const View<const Scalar>& A, int kind, Index count) {
    // Addresses compare as numbers: A may be part of another array.
    const auto at = [](const Scalar* x) { return reinterpret_cast<std::uintptr_t>(x); };
    if (A.data() == nullptr || at(A.data()) < at(parameters_.data()) ||
        at(A.data()) >= at(parameters_.data() + parameters_.size()))
      return {take(count), false, false};
    for (std::size_t i = first_; i < last_; ++i) {
      Derived& known = derived_[i];
      if (known.of == A.data() && known.kind == kind && known.rows == A.rows() && known.columns == A.cols() &&
          known.stride == A.stride() && known.count == count)
        return {aligned(known.memory), true, false};
    }
    if (last_ == derived_.size()) derived_.emplace_back();
    Derived& next = derived_[last_];
    if (next.memory.size() < count + line) next.memory.resize(count + line);
    return {aligned(next.memory), false, true};
  }

  // The place at `last_` holds what was computed of A.
  void keep(const View<const Scalar>& A, int kind, Index count) {
    Derived& next = derived_[last_];
    next.of = A.data();
    next.rows = A.rows();
    next.columns = A.cols();
    next.stride = A.stride();
    next.count = count;
    next.kind = kind;
    ++last_;
  }

  std::vector<Vector<Scalar>> blocks_;
  std::size_t block_ = 0;
  Index used_ = 0;
  std::vector<Derived> derived_;      // what open scopes keep, then memory that closed ones have left
  std::size_t first_ = 0, last_ = 0;  // of the innermost scope
  std::span<const Scalar> parameters_;
};

}  // namespace pathline
