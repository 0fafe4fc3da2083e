/// \file
/// Sums over the ranks of an MPI communicator whose bits do not depend on the number of ranks.
///
/// Work is cut into a fixed number of shares, each of one rank. Their results are added along one binary tree over the
/// shares, whoever has them: floating-point sums depend on their order, and MPI_Allreduce may choose another one for
/// each number of ranks.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/errors.hpp>

#include <mpi.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <vector>

namespace pathline {

/// A failure on one of the ranks, as every rank throws it: `rank 2: …`. A solve that fails is a SolveError on all.
struct RankError : Error {
  using Error::Error;
};

namespace detail {

template <class T>
[[nodiscard]] MPI_Datatype mpi_type() {
  if constexpr (std::is_same_v<T, float>)
    return MPI_FLOAT;
  else if constexpr (std::is_same_v<T, double>)
    return MPI_DOUBLE;
  else
    return MPI_BYTE;
}

/// MPI counts in int.
[[nodiscard]] inline int mpi_count(Index size) {
  if (size > INT_MAX)
    throw ArgumentError("Distributed: numbers in one message", std::to_string(size), "at most 2^31 - 1");
  return int(size);
}

/// What one share adds: a gradient, and figures.
template <Real Scalar>
struct SharePart {
  Vector<Scalar> gradient;
  Vector<double> figures;

  void add(const SharePart& other) {
    gradient += other.gradient;
    figures += other.figures;
  }
};

/// Shares 0, 1, … of the ranks of a communicator, in order: rank r has those of [first_of(r), first_of(r + 1)).
class Shares {
 public:
  /// \throws ArgumentError unless MPI runs and every rank has a share.
  Shares(MPI_Comm communicator, Index count) : communicator_(communicator), count_(count) {
    int running = 0, over = 0;
    MPI_Initialized(&running);
    MPI_Finalized(&over);
    if (!running || over)
      throw ArgumentError("Distributed: MPI", over ? "finalized" : "not initialized", "running: MPI_Init");
    MPI_Comm_rank(communicator, &rank_);
    MPI_Comm_size(communicator, &ranks_);
    if (count < ranks_)
      throw ArgumentError("Distributed: shares", std::to_string(count),
                          message({"one for each of ", ranks_, " ranks"}));
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int ranks() const { return ranks_; }
  [[nodiscard]] Index count() const { return count_; }
  [[nodiscard]] MPI_Comm communicator() const { return communicator_; }
  [[nodiscard]] Index first_of(int rank) const { return count_ * rank / ranks_; }
  [[nodiscard]] int owner(Index share) const { return int(((share + 1) * ranks_ - 1) / count_); }

  /// How many shares n columns are cut into: none is empty.
  [[nodiscard]] Index used(Index n) const { return std::min(count_, n); }
  /// First of the n columns that a share has; that of share used(n) is n.
  [[nodiscard]] Index first_column(Index share, Index n) const { return n * share / used(n); }

  /// Runs check() on each rank, then work(share, first, count) for each share that it has: `count` columns from `first`
  /// on. What is thrown on any rank is thrown on all: of the first rank that failed. A message counts samples from the
  /// first of the share, and says so.
  /// \param same  A number that must be the same on all ranks: of parameters, data, weights and draws. Else each rank
  ///              would train something of its own, and the sums would mean nothing.
  /// \throws RankError, or SolveError with the failure of that solve.
  template <class Check, class Work>
  void run(Index n, std::uint64_t same, const Check& check, const Work& work) const {
    std::string text;
    SolveFailure failure;
    std::int64_t kind = fine;
    Index counted_from = 0;
    try {
      check();
      for (Index share = first_of(rank_); share < std::min(first_of(rank_ + 1), used(n)); ++share) {
        const Index first = counted_from = first_column(share, n);
        relabel_failures([&] { work(share, first, first_column(share + 1, n) - first); },
                         [&](SolveFailure& at) { at.sample += at.sample >= 0 ? first : 0; });
      }
    } catch (const SolveError& error) {
      kind = solve_failed;
      text = error.what();
      failure = error;
    } catch (const std::exception& error) {
      kind = failed;
      text = error.what();
      if (counted_from > 0)
        text = message({text, "; sample numbers count from sample ", counted_from, " of the batch"});
    } catch (...) {
      kind = failed;
      text = "an exception that is no std::exception";
    }
    agree(kind, same, text, failure);
  }

  /// Leaves the sum of the parts of n columns' shares in parts[0] of rank 0. `parts` has a place for each share; those
  /// of this rank are filled.
  template <Real Scalar>
  void sum(Index n, std::vector<SharePart<Scalar>>& parts) const {
    SharePart<Scalar> incoming;
    sum(0, used(n), parts, incoming);
  }

  /// Whatever rank 0 has, to all ranks. A vector gets its length from there.
  template <class T>
  void broadcast(Vector<T>& values) const {
    std::int64_t size = values.size();
    MPI_Bcast(&size, 1, MPI_INT64_T, 0, communicator_);
    values.resize(size);
    MPI_Bcast(values.data(), mpi_count(size), mpi_type<T>(), 0, communicator_);
  }

 private:
  enum : std::int64_t { fine, solve_failed, failed };

  void agree(std::int64_t kind, std::uint64_t same, const std::string& text, SolveFailure failure) const {
    // Greatest of all ranks: how early a rank failed, and the numbers that must be equal, up- and downwards.
    const auto word = std::int64_t(same >> 1);
    std::int64_t all[3] = {kind == fine ? 0 : ranks_ - rank_, word, -word};
    MPI_Allreduce(MPI_IN_PLACE, all, 3, MPI_INT64_T, MPI_MAX, communicator_);
    if (all[0] > 0) throw_failure_of(int(ranks_ - all[0]), kind, text, failure);
    if (all[1] != -all[2])
      throw RankError(
          "Distributed: the ranks differ in their parameters, mini-batch, weights or draws; give all of them the same "
          "data, weights and generator, and change the parameters on all alike");
  }

  [[noreturn]] void throw_failure_of(int root, std::int64_t kind, const std::string& text, SolveFailure failure) const {
    std::int64_t head[2] = {kind, std::int64_t(text.size())};
    MPI_Bcast(head, 2, MPI_INT64_T, root, communicator_);
    std::string words = text;
    words.resize(std::size_t(head[1]));
    MPI_Bcast(words.data(), mpi_count(head[1]), MPI_CHAR, root, communicator_);
    words = message({"rank ", root, ": ", words});
    if (head[0] == failed) throw RankError(words);
    static_assert(std::is_trivially_copyable_v<SolveFailure>);
    MPI_Bcast(&failure, int(sizeof failure), MPI_BYTE, root, communicator_);
    failure.solve = "solve on another rank";  // a pointer of that rank's memory
    throw SolveError(words, failure);
  }

  // Of the shares [first, last), at the owner of the first. Every rank goes the same way through the tree, so that each
  // message meets its receiver.
  template <Real Scalar>
  void sum(Index first, Index last, std::vector<SharePart<Scalar>>& parts, SharePart<Scalar>& incoming) const {
    if (last - first < 2) return;
    const Index middle = first + (last - first) / 2;
    sum(first, middle, parts, incoming);
    sum(middle, last, parts, incoming);
    const int to = owner(first), from = owner(middle);
    SharePart<Scalar>&left = parts[std::size_t(first)], &right = parts[std::size_t(middle)];
    if (rank_ == to && rank_ == from) {
      left.add(right);
    } else if (rank_ == to) {
      incoming.gradient.resize(left.gradient.size());
      incoming.figures.resize(left.figures.size());
      receive(incoming.gradient, from);
      receive(incoming.figures, from);
      left.add(incoming);
    } else if (rank_ == from) {
      send(right.gradient, to);
      send(right.figures, to);
    }
  }

  template <class T>
  void send(const Vector<T>& values, int to) const {
    MPI_Send(values.data(), mpi_count(values.size()), mpi_type<T>(), to, 0, communicator_);
  }
  template <class T>
  void receive(Vector<T>& values, int from) const {
    MPI_Recv(values.data(), mpi_count(values.size()), mpi_type<T>(), from, 0, communicator_, MPI_STATUS_IGNORE);
  }

  MPI_Comm communicator_;
  Index count_;
  int rank_ = 0, ranks_ = 1;
};

}  // namespace detail
}  // namespace pathline
