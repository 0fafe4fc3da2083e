/// \file
/// Which steps of a solve have what they start from kept, and where: the schedule of `CheckpointRecording`.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/checkpoint/binomial_schedule.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace pathline {

/// The most that a record keeps. What is not set is no bound.
struct RecordRoom {
  Index starts = std::numeric_limits<Index>::max() / 4;         ///< Of steps.
  std::size_t bytes = std::numeric_limits<std::size_t>::max();  ///< In all.

  [[nodiscard]] bool bounded() const { return bytes < std::numeric_limits<std::size_t>::max(); }
  friend bool operator==(const RecordRoom&, const RecordRoom&) = default;
};

/// Where the number of steps is known, starts are kept by the binomial schedule; else every 2^k-th is, and k grows when
/// there is no place for another. Between them the schedule is binomial on the way back, in the places that are free.
/// Starts lie in the order of their steps, in blocks: each block of the heap takes some hundred bytes more, which would
/// be most of what small states take.
/// \tparam Carried  The numbers that are kept beside the scalars of a place.
template <Real S, class Carried>
class KeptSteps {
  struct Kept {
    std::size_t step;  // what this step starts from
    [[no_unique_address]] Carried carried;
  };
  struct Block {
    Vector<S> scalars;
    std::vector<Kept> kept;
  };
  // The heap's own words for both, and the block's place in the list of blocks, which doubles as it grows.
  static constexpr std::size_t block_overhead = 32 + 3 * sizeof(Block);

 public:
  /// What the step `step` starts from.
  struct Start {
    std::size_t step;
    S* scalars;
    Carried& carried;
  };

  /// Forgets all. Keeps its memory where the room is that of the last solve, and its blocks are not much too small.
  /// \param room   As the user set it.
  /// \param bytes  What is left of it for starts.
  /// \param steps  Of the whole solve; 0 where nobody knows.
  /// \param size   Scalars of a start, at least 1.
  void plan(const RecordRoom& room, std::size_t bytes, Index steps, Index size) {
    most_ = std::size_t(steps > 0 ? std::min(room.starts, steps) : room.starts);
    // A budget is met to a sixteenth, which is what one block may be too much; a number of starts is met exactly.
    const std::size_t starts =
        room.bounded() ? std::min(most_, bytes / (std::size_t(size) * sizeof(S) + sizeof(Kept)) / 16) : most_;
    const auto together = std::clamp<std::size_t>(1024 / std::size_t(size), 1, std::max<std::size_t>(starts, 1));
    const std::size_t blocks = starts / together + (starts % together == 0 ? 0 : 1);
    const Index wanted = Index(blocks > 1 ? starts / blocks + (starts % blocks == 0 ? 0 : 1) : together) * size;
    if (!(room == room_) || size > block_scalars_ || wanted > 4 * block_scalars_) {
      room_ = room;
      blocks_.clear();
      block_scalars_ = wanted;
      in_block_most_ = 0;
    }
    size_ = size;
    in_block_ = std::size_t(block_scalars_ / size);
    in_block_most_ = std::max(in_block_most_, in_block_);
    count_ = 0;
    stretch_ = steps;
    spacing_ = 1;
    next_ = 0;
    places_ = most_;
  }
  /// From now on starts take so many bytes at most: some of them go, and blocks are given back to the heap.
  /// \return Whether there is room for one start.
  [[nodiscard]] bool fit_into(std::size_t bytes) {
    const std::size_t blocks = bytes / block_bytes();
    if (blocks == 0) return false;
    places_ = std::min(places_, blocks * in_block_);
    while (count_ > places_) thin_out();
    const std::size_t needed = (places_ - 1) / in_block_ + 1;
    if (blocks_.size() > needed) blocks_.resize(needed);
    return true;
  }
  /// What a block of starts takes, of which there is at least one.
  [[nodiscard]] std::size_t block_bytes() const {
    return std::size_t(block_scalars_) * sizeof(S) + in_block_most_ * sizeof(Kept) + block_overhead;
  }

  /// On the way out, of every step in order: whether what it starts from is to be kept. Makes room for it then.
  [[nodiscard]] bool wants(std::size_t step) {
    if (Index(step) != next_) return false;
    if (stretch_ > 0) {  // a known number of steps is left from here on
      const Index free = free_places() - 1;
      if (free <= 0 || stretch_ < 2) {
        next_ = -1;
      } else {
        const Index part = binomial_split(stretch_, free + 1);
        next_ += part;
        stretch_ -= part;
      }
      return free >= 0;
    }
    while (free_places() == 0 && Index(step) % spacing_ == 0) thin_out();
    next_ = (Index(step) / spacing_ + 1) * spacing_;
    return Index(step) % spacing_ == 0;
  }

  /// On the way back: forgets what steps after this one start from. The last that is left is at this step or before.
  [[nodiscard]] Start last_before(std::size_t step) {
    while (at(count_ - 1).step > step) --count_;
    return start(count_ - 1);
  }
  /// The step to whose start to go from `at` on the way to that of a later one, `to`, and whether to keep it there.
  [[nodiscard]] std::size_t next_stop(std::size_t at, std::size_t to) const {
    return free_places() > 0 ? at + std::size_t(binomial_split(Index(to - at) + 1, free_places() + 1)) : to;
  }
  [[nodiscard]] Index free_places() const { return Index(places_ - count_); }

  /// Takes a free place for the start of this step, which is later than all that are kept.
  [[nodiscard]] Start keep(std::size_t step) {
    const std::size_t number = count_ / in_block_;
    if (number == blocks_.size()) blocks_.emplace_back();
    Block& block = blocks_[number];
    if (block.scalars.size() < block_scalars_) block.scalars.resize(block_scalars_);
    if (block.kept.size() < in_block_) block.kept.resize(in_block_);
    at(count_) = {step, {}};
    return start(count_++);
  }

 private:
  [[nodiscard]] Kept& at(std::size_t place) { return blocks_[place / in_block_].kept[place % in_block_]; }
  [[nodiscard]] Start start(std::size_t place) {
    Kept& kept = at(place);
    return {kept.step, blocks_[place / in_block_].scalars.data() + Index(place % in_block_) * size_, kept.carried};
  }
  /// Of the kept starts every second goes; the first stays.
  void thin_out() {
    spacing_ *= 2;
    std::size_t left = 0;
    for (std::size_t place = 0; place < count_; ++place) {
      if (Index(at(place).step) % spacing_ != 0) continue;
      if (place > left) {
        at(left) = at(place);
        std::copy_n(start(place).scalars, size_, start(left).scalars);
      }
      ++left;
    }
    count_ = left;
  }

  std::vector<Block> blocks_;
  RecordRoom room_{.starts = 0, .bytes = 0};
  std::size_t most_ = 0, places_ = 0, count_ = 0;
  std::size_t in_block_ = 1, in_block_most_ = 0;
  Index size_ = 1, block_scalars_ = 0, stretch_ = 0, spacing_ = 1, next_ = 0;
};

}  // namespace pathline
