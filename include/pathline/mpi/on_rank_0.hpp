/// \file
/// What rank 0 does for all in a run of `fit`: it reads and writes the checkpoint, and prints the progress.
///
///     fit(distributed, data, {.epochs = 200}, rng, on_rank_0(io::Checkpoint{.path = "run.checkpoint"}),
///         on_rank_0(PrintProgress{}), on_rank_0(io::WriteLog{.path = "run.csv"}));
///
/// A run goes on from its checkpoint on any number of ranks, with the bits of a run that was not interrupted, as long
/// as its `Distributed` has as many shares.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/mpi/share_sum.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>
#include <pathline/train/checkpoint/state_and_settings.hpp>

#include <mpi.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace pathline {
namespace detail {

/// From rank 0 to all: a number, a text, a std::vector of numbers, or a matrix.
template <class T>
void broadcast_value(T& value, MPI_Comm communicator) {
  const auto bytes = [&](void* data, std::int64_t size) {
    constexpr std::int64_t most = 1 << 30;  // MPI counts in int
    for (std::int64_t first = 0; first < size; first += most)
      MPI_Bcast(static_cast<char*>(data) + first, int(std::min(most, size - first)), MPI_BYTE, 0, communicator);
  };
  if constexpr (std::is_arithmetic_v<T>) {
    bytes(&value, sizeof value);
  } else {
    std::int64_t sizes[2] = {std::int64_t(value.size()), 1};
    if constexpr (requires { value.rows(); }) sizes[0] = value.rows(), sizes[1] = value.cols();
    bytes(sizes, sizeof sizes);
    if constexpr (requires { value.rows(); })
      value.resize(sizes[0], sizes[1]);
    else
      value.resize(std::size_t(sizes[0]));
    bytes(value.data(), sizes[0] * sizes[1] * std::int64_t(sizeof *value.data()));
  }
}

/// Calls work() on rank 0 alone; all ranks go on when it is done. What it throws is thrown on all: on the others as a
/// FileError where it is one, else as a RankError.
template <class Work>
void run_on_rank_0(MPI_Comm communicator, const Work& work) {
  enum : int { fine, file_error, another };
  int rank = 0, kind = fine;
  MPI_Comm_rank(communicator, &rank);
  std::exception_ptr error;
  std::string text;
  if (rank == 0) {
    try {
      work();
    } catch (const FileError& at) {
      kind = file_error, text = at.what(), error = std::current_exception();
    } catch (const std::exception& at) {
      kind = another, text = at.what(), error = std::current_exception();
    } catch (...) {
      kind = another, text = "an exception that is no std::exception", error = std::current_exception();
    }
  }
  broadcast_value(kind, communicator);
  if (kind == fine) return;
  broadcast_value(text, communicator);
  if (error) std::rethrow_exception(error);
  if (kind == file_error) throw FileError(text);
  throw RankError("rank 0: " + text);
}

/// A RunKeeper that rank 0 reads and writes for all.
template <class Keeper>
class KeeperOnRank0 {
  using KeptThere = std::remove_cvref_t<decltype(*std::declval<const Keeper&>().read())>;

 public:
  KeeperOnRank0(Keeper keeper, MPI_Comm communicator)
      : every(keeper.every), keeper_(std::move(keeper)), communicator_(communicator) {}

  class Kept {
   public:
    Kept(std::optional<KeptThere> kept, MPI_Comm communicator) : kept_(std::move(kept)), communicator_(communicator) {}

    [[nodiscard]] RunSettings asked() const {
      RunSettings settings;
      run_on_rank_0(communicator_, [&] { settings = kept_->asked(); });
      std::int64_t count = std::int64_t(settings.size());
      broadcast_value(count, communicator_);
      settings.resize(std::size_t(count));
      for (auto& [name, value] : settings) {
        broadcast_value(name, communicator_);
        broadcast_value(value, communicator_);
      }
      return settings;
    }
    template <class T>
    void visit(const std::string& name, T& value) const {
      run_on_rank_0(communicator_, [&] { kept_->visit(name, value); });
      broadcast_value(value, communicator_);
    }

   private:
    std::optional<KeptThere> kept_;  // on rank 0
    MPI_Comm communicator_;
  };

  static constexpr bool keeps_for_all = true;
  Index every;

  void check() const {
    if constexpr (requires { keeper_.check(); }) keeper_.check();
  }
  [[nodiscard]] std::string name() const { return keeper_.name(); }
  void warn(const std::string& text) const requires requires(const Keeper& keeper) { keeper.warn(text); }
  {
    int rank = 0;
    MPI_Comm_rank(communicator_, &rank);
    if (rank == 0) keeper_.warn(text);
  }
  [[nodiscard]] std::optional<Kept> read() const {
    std::optional<KeptThere> kept;
    run_on_rank_0(communicator_, [&] { kept = keeper_.read(); });
    bool exists = kept.has_value();
    broadcast_value(exists, communicator_);
    if (!exists) return std::nullopt;
    return Kept(std::move(kept), communicator_);
  }
  template <class Values>
  void write(const RunSettings& asked, const Values& values) const {
    run_on_rank_0(communicator_, [&] { keeper_.write(asked, values); });
  }

 private:
  Keeper keeper_;
  MPI_Comm communicator_;
};

/// What is called: the callback, or what its start makes.
template <class C>
struct RunningOf {
  using type = C;
};
template <RunCallback C>
struct RunningOf<C> {
  using type = std::remove_cvref_t<decltype(std::declval<C&>().start(std::declval<const TrainingStart&>()))>;
};

/// A callback that rank 0 alone starts and calls.
template <class C>
class ObserverOnRank0 {
  using Running = typename RunningOf<C>::type;

 public:
  ObserverOnRank0(C callback, MPI_Comm communicator) : callback_(std::move(callback)), communicator_(communicator) {}

  class Run {
   public:
    Run(C& callback, const TrainingStart& start, MPI_Comm communicator) : communicator_(communicator) {
      run_on_rank_0(communicator_, [&] {
        if constexpr (RunCallback<C>)
          running_.reset(new Running(callback.start(start)));  // which need not be movable
        else
          running_ = {std::shared_ptr<void>(), &callback};
        const auto nothing = [](const std::string&, auto&) {};
        if (visit_part(nothing, "", *running_) > 0)
          throw ArgumentError("on_rank_0: a callback", "with something to remember",
                              "one with an empty state: give it to fit itself, on all ranks");
      });
    }
    void operator()(const EpochReport& epoch) {
      run_on_rank_0(communicator_, [&] { (*running_)(epoch); });
    }
    template <class Visit>
    void state(Visit& /*visit*/) const {}

   private:
    MPI_Comm communicator_;
    std::shared_ptr<Running> running_;  // on rank 0
  };

  void check() const {
    if constexpr (requires { callback_.check(); }) callback_.check();
  }
  [[nodiscard]] Run start(const TrainingStart& start) { return Run(callback_, start, communicator_); }

 private:
  C callback_;
  MPI_Comm communicator_;
};

/// Whether it can only look: calls of it cannot end training, nor does it watch each step.
template <class C>
inline constexpr bool only_looks = false;
template <Callback C>
requires(!StoppingRule<C> && !watches_steps<C>) inline constexpr bool only_looks<C> =
    std::is_void_v<std::invoke_result_t<typename RunningOf<C>::type&, const EpochReport&>>;

}  // namespace detail

/// A checkpoint of `fit`, as `io::Checkpoint`, or a callback that only looks, as `PrintProgress` and `io::WriteLog`:
/// rank 0 does the work, and what fails there is thrown on all ranks. What can stop training, or remembers something
/// that a checkpoint must keep, does not belong here: every rank calls it, to the same end.
/// \param communicator  That of the `Distributed`.
/// \throws by `fit`, on all ranks: ArgumentError for a callback whose `state` names something; a FileError of rank 0 as
///         such, anything else that it throws as RankError.
template <class Policy>
[[nodiscard]] auto on_rank_0(Policy policy, MPI_Comm communicator = MPI_COMM_WORLD) {
  constexpr bool keeper = RunKeeper<Policy>, known = keeper || Callback<Policy>;
  constexpr bool looks = !known || keeper || detail::only_looks<Policy>;
  static_assert(known,
                "on_rank_0: the policy is neither a checkpoint (every, name, read, write) nor a callback (called with "
                "an EpochReport, start)");
  static_assert(looks,
                "on_rank_0: this callback can stop training or watches each step: give it to fit itself, on all ranks");
  if constexpr (keeper)
    return detail::KeeperOnRank0<Policy>(std::move(policy), communicator);
  else if constexpr (known && looks)
    return detail::ObserverOnRank0<Policy>(std::move(policy), communicator);
  else
    return policy;
}

}  // namespace pathline
