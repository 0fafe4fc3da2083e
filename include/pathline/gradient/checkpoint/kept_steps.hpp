/// \file
/// Which steps of a solve have what they start from kept, and where: the schedule of `CheckpointRecording`.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/gradient/checkpoint/binomial_schedule.hpp>
#include <pathline/gradient/recording.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace pathline {

/// Where the number of steps is known, starts are kept by the binomial schedule; else every 2^k-th is, and k grows when
/// their number is reached. Between them the schedule is binomial on the way back, in the places that have become free.
/// \tparam Carried  The numbers that are kept beside the scalars of a place.
template <Real S, class Carried>
class KeptSteps {
  static constexpr std::size_t block = 1024;  // scalars of the blocks that small places share

 public:
  struct Kept {
    std::size_t step, place;  // what this step starts from
    [[no_unique_address]] Carried carried;
  };

  /// Forgets all, keeps its memory.
  /// \param count  Places, at least 1, of `size` scalars each.
  /// \param steps  Of the whole solve; 0 where nobody knows.
  void plan(Index count, Index steps, Index size) {
    kept_.clear();
    free_.clear();
    fresh_ = 0;
    size_ = size;
    places_ = std::size_t(steps > 0 ? std::min(count, steps) : count);
    if (steps > 0) reserve(places_);
    stretch_ = steps;
    spacing_ = 1;
    next_ = 0;
  }

  /// On the way out, of every step in order: whether what it starts from is to be kept. Makes room for it then.
  [[nodiscard]] bool wants(std::size_t step) {
    if (Index(step) != next_) return false;
    if (stretch_ > 0) {  // a known number of steps is left from here on
      const Index free = free_places() - 1;
      if (free == 0 || stretch_ < 2) {
        next_ = -1;
      } else {
        const Index part = binomial_split(stretch_, free + 1);
        next_ += part;
        stretch_ -= part;
      }
      return true;
    }
    if (free_places() == 0) thin_out();
    next_ = (Index(step) / spacing_ + 1) * spacing_;
    return Index(step) % spacing_ == 0;
  }

  /// On the way back: forgets what steps after this one start from. The last that is left is at this step or before.
  const Kept& last_before(std::size_t step) {
    while (kept_.back().step > step) {
      free_.push_back(kept_.back().place);
      kept_.pop_back();
    }
    return kept_.back();
  }
  /// The step to whose start to go from `at` on the way to that of a later one, `to`, and whether to keep it there.
  [[nodiscard]] std::size_t next_stop(std::size_t at, std::size_t to) const {
    return free_places() > 0 ? at + std::size_t(binomial_split(Index(to - at) + 1, free_places() + 1)) : to;
  }
  [[nodiscard]] Index free_places() const { return Index(free_.size() + places_ - fresh_); }

  /// Takes a free place for the start of this step. \return Its scalars.
  [[nodiscard]] S* keep(std::size_t step) {
    std::size_t place = fresh_;
    if (free_.empty()) {
      ++fresh_;
    } else {
      place = free_.back();
      free_.pop_back();
    }
    if (kept_.size() == kept_.capacity()) {
      std::size_t room = places_;
      while (room / 2 > kept_.size()) room /= 2;
      reserve(room);
    }
    kept_.push_back({step, place, {}});
    return scalars(place);
  }
  /// The numbers of the start kept last.
  [[nodiscard]] Carried& carried() { return kept_.back().carried; }

  /// Small ones share a block, since each block of the heap takes about a hundred bytes more. Blocks hold no more than
  /// the places that were asked for, so that a small budget is kept too.
  [[nodiscard]] S* scalars(std::size_t place) {
    const auto in_block = std::clamp<std::size_t>(block / std::size_t(std::max<Index>(size_, 1)), 1, places_);
    const std::size_t number = place / in_block, count = std::min(in_block, places_ - number * in_block);
    return blocks_.at(number, Index(count) * size_).data() + Index(place % in_block) * size_;
  }

  /// Bytes beside the scalars of a place.
  static constexpr std::size_t overhead = sizeof(Kept) + sizeof(std::size_t);

 private:
  /// Room in both lists. Growing ones hold old and new for a while: by halves of the places that happens last when half
  /// of them are not in use yet, and so within what a budget counts.
  void reserve(std::size_t count) {
    kept_.reserve(count);
    free_.reserve(count);
  }
  /// Every second of the kept states goes.
  void thin_out() {
    spacing_ *= 2;
    std::size_t left = 0;
    for (const Kept& kept : kept_) {
      if (Index(kept.step) % spacing_ == 0)
        kept_[left++] = kept;
      else
        free_.push_back(kept.place);
    }
    kept_.resize(left);
  }

  std::vector<Kept> kept_;         // in the order of their steps
  std::vector<std::size_t> free_;  // places that were given back; from fresh_ to places_ none was used yet
  RecordSlots<S> blocks_;
  std::size_t places_ = 0, fresh_ = 0;
  Index size_ = 0, stretch_ = 0, spacing_ = 1, next_ = 0;
};

}  // namespace pathline
