/// \file
/// How a policy of the user's own says what belongs to a run that is kept: what it was asked (`settings`), and what it
/// remembers from epoch to epoch (`state`). Both name their members to a visitor:
///
///     struct Patience {
///       double least_gain = 0.01;
///       template <class Visit>
///       void settings(Visit& visit) const { visit("least_gain", least_gain); }
///       …
///     };
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

struct AnyVisit {
  template <class T>
  void operator()(const std::string& /*name*/, T&& /*value*/) const {}
};

template <class T>
inline constexpr bool is_vector_of_numbers = false;
template <class T>
inline constexpr bool is_vector_of_numbers<std::vector<T>> = std::is_arithmetic_v<T> && !std::same_as<T, bool>;
template <class T>
inline constexpr bool is_matrix = false;
template <class T>
requires std::derived_from<T, Eigen::PlainObjectBase<T>>
inline constexpr bool is_matrix<T> = Real<typename T::Scalar>;

}  // namespace detail

/// A policy with `settings(visit) const`: numbers, enumerations, texts, and std::optionals of those.
template <class P>
concept HasSettings = requires(const P& policy, detail::AnyVisit& visit) {
  policy.settings(visit);
};

/// What remembers something from epoch to epoch: a callback, or what its `start` makes, or the Memory of a batch
/// source, with `state(visit)`. It names its `KeptValue`s, always the same ones; a run that goes on sets them. An empty
/// function: there is nothing to keep.
template <class C>
concept HasState = requires(C& remembers, detail::AnyVisit& visit) {
  remembers.state(visit);
};

/// What `state(visit)` may name.
template <class T>
concept KeptValue =
    std::is_arithmetic_v<T> || detail::is_vector_of_numbers<T> || detail::is_matrix<T> || std::same_as<T, Rng>;

namespace detail {

/// `Adam`, `app::Lion`: as the compiler writes it, without `pathline::`.
template <class T>
[[nodiscard]] std::string type_name() {
  std::string name = __PRETTY_FUNCTION__;  // … [with T = pathline::Adam; std::string = …] or … [T = pathline::Adam]
  name = name.substr(name.find("T = ") + 4);
  name = name.substr(0, std::min(name.find("; std::string = "), name.rfind(']')));
  for (std::size_t at; (at = name.find("pathline::")) != std::string::npos;) name.erase(at, 10);
  return name;
}

/// The shortest of the usual texts that reads as this number again.
template <class = void>
[[nodiscard]] inline std::string exact_text(double x) {
  char text[40];
  for (const int digits : {9, 17}) {
    std::snprintf(text, sizeof text, "%.*g", digits, x);
    if (std::strtod(text, nullptr) == x) break;
  }
  std::string result = text;
  std::replace(result.begin(), result.end(), ',', '.');  // whatever the locale
  return result;
}

template <class = void>
[[nodiscard]] inline std::string hexadecimal(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

template <class T>
[[nodiscard]] std::string setting_text(const T& value) {
  if constexpr (std::same_as<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::floating_point<T>)
    return exact_text(double(value));
  else if constexpr (std::integral<T>)
    return std::to_string(value);
  else if constexpr (std::is_enum_v<T>)
    return setting_text(static_cast<std::underlying_type_t<T>>(value));
  else if constexpr (requires { value.has_value(); })
    return value ? setting_text(*value) : "none";
  else
    return std::string(value);
}

/// Collects what a run is asked.
class SettingsList {
 public:
  /// A name that is there already, of a second policy of the same type say, gets a number.
  template <class = void>
  void add(const std::string& name, std::string value) {
    const auto taken = [&](const std::string& one) {
      return std::any_of(settings_.begin(), settings_.end(), [&](const auto& setting) { return setting.first == one; });
    };
    std::string free = name;
    for (int number = 2; taken(free); ++number) free = name + " (" + std::to_string(number) + ")";
    settings_.emplace_back(std::move(free), std::move(value));
  }
  /// What its `settings` names, as "front: name".
  template <class P>
  void add_settings_of([[maybe_unused]] const std::string& front, [[maybe_unused]] const P& policy) {
    if constexpr (HasSettings<P>) {
      const auto visit = [&](const std::string& name, const auto& value) {
        add(front + ": " + name, setting_text(value));
      };
      policy.settings(visit);
    }
  }
  /// Which one it is, and its settings.
  template <class P>
  void add_policy(const std::string& kind, const P& policy) {
    add(kind, type_name<P>());
    add_settings_of(type_name<P>(), policy);
  }
  [[nodiscard]] const RunSettings& settings() const { return settings_; }

 private:
  RunSettings settings_;
};

/// "epochs is 200 in place of 100", for each setting with another value. What only one of the lists has, belongs to a
/// policy that is another one, and is told where nothing else differs.
template <class = void>
[[nodiscard]] inline std::vector<std::string> differences(const RunSettings& asked, const RunSettings& kept) {
  const auto value_in = [](const RunSettings& settings, const std::string& name) -> const std::string* {
    for (const auto& setting : settings)
      if (setting.first == name) return &setting.second;
    return nullptr;
  };
  std::vector<std::string> changed, alone;
  for (const auto& [name, value] : asked) {
    const std::string* const before = value_in(kept, name);
    if (!before) alone.push_back(name + " is " + value + " in place of none");
    if (before && *before != value) changed.push_back(name + " is " + value + " in place of " + *before);
  }
  for (const auto& [name, value] : kept)
    if (!value_in(asked, name)) alone.push_back(name + " is none in place of " + value);
  return changed.empty() ? alone : changed;
}

/// Names what one part of a run remembers, and counts it.
template <class Visit>
class VisitPart {
 public:
  VisitPart(Visit& visit, std::string front) : visit_(visit), front_(std::move(front)) {}

  template <class T>
  void operator()(const std::string& name, T& value) {
    constexpr bool known = KeptValue<T>;
    static_assert(
        known,
        "state(visit): what is kept is a number, a std::vector of numbers, a matrix of float or double, or an "
        "Rng");
    ++count_;
    if constexpr (std::same_as<T, Rng>) {
      std::vector<std::uint64_t> words{value.seed(), value.next()};
      visit_(front_ + name, words);
      if (words.size() == 2) value = Rng(words[0], words[1]);
    } else if constexpr (known) {
      visit_(front_ + name, value);
    }
  }
  [[nodiscard]] Index count() const { return count_; }

 private:
  Visit& visit_;
  std::string front_;
  Index count_ = 0;
};

/// Visits what `part` remembers, if anything, and counts it.
template <class Visit, class Part>
Index visit_part([[maybe_unused]] const Visit& visit, [[maybe_unused]] const std::string& front,
                 [[maybe_unused]] Part& part) {
  if constexpr (HasState<Part>) {
    VisitPart<const Visit> named(visit, front);
    part.state(named);
    return named.count();
  } else {
    return 0;
  }
}

/// Counts the callbacks that remember something.
template <class Visit, class... Callbacks>
Index visit_callbacks(const Visit& visit, Callbacks&... callbacks) {
  Index count = 0;
  ((count += visit_part(visit, "callback." + std::to_string(count) + ".", callbacks) > 0 ? 1 : 0), ...);
  return count;
}

}  // namespace detail
}  // namespace pathline
