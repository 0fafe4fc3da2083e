#include <pathline/train/checkpoint/state_and_settings.hpp>

#include <pathline/train/adam.hpp>
#include <pathline/train/callbacks.hpp>
#include <pathline/train/fit_policies.hpp>
#include <pathline/train/print_progress.hpp>

#include <support/catch.hpp>

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace pathline;
using namespace pathline::detail;

namespace {

enum class Kind { first, second };
struct Sample {
  bool flag = true;
  float small = 0.1F;
  double exact = 0.1;
  Index count = -3;
  Kind kind = Kind::second;
  std::optional<double> none{}, some = 2.5;
  template <class Visit>
  void settings(Visit& visit) const {
    visit("flag", flag), visit("small", small), visit("exact", exact), visit("count", count), visit("kind", kind);
    visit("none", none), visit("some", some), visit("text", "a text");
  }
};
static_assert(HasSettings<Sample> && HasSettings<Adam> && !HasSettings<KeepBest>);

struct Remembers {
  double best = 1;
  std::vector<int> seen{1, 2};
  Vector<float> vector{{1, 2}};
  Rng rng{5, 6};
  template <class Visit>
  void state(Visit& visit) {
    visit("best", best), visit("seen", seen), visit("vector", vector), visit("rng", rng);
  }
};
struct RemembersNothing {
  template <class Visit>
  void state(Visit&) {}
};
static_assert(HasState<Remembers> && HasState<RemembersNothing> && !HasState<Sample>);
static_assert(KeptValue<bool> && KeptValue<Index> && KeptValue<std::vector<float>> && KeptValue<Batch<double>> &&
              KeptValue<Rng>);
static_assert(!KeptValue<std::string> && !KeptValue<std::vector<bool>> && !KeptValue<std::vector<std::string>> &&
              !KeptValue<Sample>);

// What a checkpoint must be told, and what it need not.
struct SilentRule {
  double patience;
  bool stop(const TrainingProgress&) const;
};
struct ChangesItself {
  int seen;
  void operator()(const EpochReport&);
};
struct Started {
  ChangesItself start(const TrainingStart&) const;
};
struct Watches {
  double& lowest;
  void operator()(const EpochReport&) const;
};
static_assert(settings_known<Adam> && settings_known<KeepBest> && settings_known<EarlyStopping> &&
              settings_known<Watches> && !settings_known<SilentRule>);
static_assert(state_known<PrintProgress> && state_known<EarlyStopping> && state_known<Watches> && state_known<Adam> &&
              state_known<bool (*)(const EpochReport&)>);
static_assert(!state_known<Started> && !state_known<std::function<bool(const EpochReport&)>> &&
              state_known<std::function<void(const EpochReport&)>>);

}  // namespace

TEST_CASE("A type has the name that its user wrote", "[train][checkpoint]") {
  CHECK(type_name<Adam>() == "Adam");
  CHECK(type_name<std::pair<Adam, Index>>().find("pathline") == std::string::npos);
  CHECK(type_name<AdamW>() != type_name<Adam>());
  CHECK(type_name<Sample>().find("Sample") != std::string::npos);
}

TEST_CASE("Settings are compared to the last bit", "[train][checkpoint]") {
  CHECK(exact_text(0.001) == "0.001");
  CHECK(exact_text(1.0 / 3) == "0.33333333333333331");
  CHECK(exact_text(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(hexadecimal(0xABU) == "00000000000000ab");
  SettingsList list;
  list.add_policy("policy", Sample{});
  const std::string front = type_name<Sample>() + ": ";
  const RunSettings expected{
      {"policy", type_name<Sample>()}, {front + "flag", "true"}, {front + "small", "0.10000000149011612"},
      {front + "exact", "0.1"},        {front + "count", "-3"},  {front + "kind", "1"},
      {front + "none", "none"},        {front + "some", "2.5"},  {front + "text", "a text"}};
  CHECK(list.settings() == expected);
}

TEST_CASE("Differences name both values, and settings of another policy are told where nothing else is",
          "[train][checkpoint]") {
  const RunSettings a{{"epochs", "2"}, {"optimizer", "Adam"}, {"Adam: beta1", "0.9"}},
      b{{"optimizer", "Sgd"}, {"epochs", "3"}, {"Sgd: momentum", "0.5"}};
  using Lines = std::vector<std::string>;
  CHECK(differences(a, a).empty());
  CHECK(differences(a, b) == Lines{"epochs is 2 in place of 3", "optimizer is Adam in place of Sgd"});
  CHECK(differences({{"a", "1"}}, {{"b", "2"}}) == Lines{"a is 1 in place of none", "b is none in place of 2"});
}

TEST_CASE("What is remembered is visited under a name of its part, and set by the visitor", "[train][checkpoint]") {
  Remembers first, second;
  RemembersNothing nothing;
  Sample no_state;
  std::vector<std::string> names;
  const auto note = [&](const std::string& name, auto& value) {
    names.push_back(name);
    if constexpr (requires { value.resize(0); })
      if (name == "callback.1.rng") value = {7, 8};
    if constexpr (std::is_same_v<decltype(value), double&>) value = 4;
  };
  CHECK(visit_callbacks(note, no_state, first, nothing, second) == 2);
  CHECK(names == std::vector<std::string>{"callback.0.best", "callback.0.seen", "callback.0.vector", "callback.0.rng",
                                          "callback.1.best", "callback.1.seen", "callback.1.vector", "callback.1.rng"});
  CHECK(first.best == 4);
  CHECK(first.rng == Rng(5, 6));
  CHECK(second.rng == Rng(7, 8));
}
