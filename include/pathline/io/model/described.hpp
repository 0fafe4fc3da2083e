/// \file
/// How a part of a model says what it is, so that a file can keep it: the trait `Described`. Open to types of a
/// program's own.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

namespace pathline::io {

/// Specialise it for a field, layer or policy of your own, in one of three forms. `name` is what the file calls the
/// type; two types of one kind must not share it.
///
/// A type without settings has a name alone:
///
///     template <>
///     struct pathline::io::Described<Kutta32> {
///       static constexpr std::string_view name = "Kutta32";
///     };
///
/// A type that can be made by default and has its settings as members shows them to `io`, which writes or reads them:
///
///     template <>
///     struct pathline::io::Described<SpeedLimit> {
///       static constexpr std::string_view name = "SpeedLimit";
///       static void visit(auto& limit, auto& io) {
///         io.setting("weight", limit.weight);
///         io.setting("speed", limit.speed);
///       }
///     };
///
/// (Where some values of the settings are none, `static void check(const SpeedLimit&)` throws an ArgumentError.)
///
/// Others say what they are, and how one is made. `describe` also tells which part of θ is what, in the order of θ:
///
///     template <class Scalar>
///     struct pathline::io::Described<Scale<Scalar>> {
///       static constexpr std::string_view name = "Scale";
///       static void describe(const Scale<Scalar>& layer, Description& out) {
///         out.size("rows", layer.in_rows());
///         out.parameter("scale", layer.in_rows());
///       }
///       static Scale<Scalar> read(ModelReader& in) { return Scale<Scalar>(in.size("rows")); }
///     };
///
/// What `read` returns has whatever θ it likes: the numbers follow. See `Description` and `ModelReader`.
template <class T>
struct Described {};

/// A type that a model's file can keep.
template <class T>
concept HasDescription = requires {
  { Described<T>::name } -> std::convertible_to<std::string_view>;
};

namespace detail {

/// One readable line for a type without a description, whoever asks first.
template <class T>
constexpr void require_description() {
  static_assert(
      HasDescription<T>,
      "io: this type has no description: specialise pathline::io::Described for it, with its name and how its "
      "settings are written and read (io/model/described.hpp)");
}

/// One readable line for a description that would forget what the type holds.
template <class T>
constexpr void require_no_members() {
  static_assert(std::is_empty_v<T>,
                "io: the Described of this type is a name alone, but the type has members, which a file would forget: "
                "give it visit(auto&, auto&), or describe and read (io/model/described.hpp)");
}

template <class T, class Io>
concept VisitedBy = requires(T& part, Io& io) {
  Described<std::remove_const_t<T>>::visit(part, io);
};

}  // namespace detail
}  // namespace pathline::io
