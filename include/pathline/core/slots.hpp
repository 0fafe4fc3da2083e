/// \file
/// What threads and chunks keep from call to call.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <utility>

namespace pathline::detail {

/// As many elements as were ever asked for. A std::vector in its place has the compiler make 45 functions for each type
/// of element.
template <class T>
class Slots {
 public:
  Slots() = default;
  Slots(Slots&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), size_(std::exchange(other.size_, std::size_t(0))) {}
  Slots& operator=(Slots&& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
    return *this;
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  ~Slots() {
    for (T& element : *this) element.~T();
    ::operator delete(first_, alignment);
  }

  /// At least `count`: new ones are made by default after those that are there, which move.
  /// \throws std::bad_alloc, and what T's constructors throw: those that have moved by then are left empty.
  void grow_to(std::size_t count) {
    if (count <= size_) return;
    Slots more;
    more.first_ = static_cast<T*>(::operator new(count * sizeof(T), alignment));
    for (; more.size_ < size_; ++more.size_) new (more.first_ + more.size_) T(std::move(first_[more.size_]));
    for (; more.size_ < count; ++more.size_) new (more.first_ + more.size_) T();
    *this = std::move(more);
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return first_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return first_[i]; }
  [[nodiscard]] T* begin() noexcept { return first_; }
  [[nodiscard]] const T* begin() const noexcept { return first_; }
  [[nodiscard]] T* end() noexcept { return first_ + size_; }
  [[nodiscard]] const T* end() const noexcept { return first_ + size_; }
  /// The first `count` of them.
  [[nodiscard]] std::span<T> first(std::size_t count) noexcept { return {first_, count}; }

 private:
  static constexpr std::align_val_t alignment{alignof(T)};
  T* first_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pathline::detail
