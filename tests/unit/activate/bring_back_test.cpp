// Devices that the kernel does not resume: what becomes of them, what is said, and how they are mended.
#include "activate/bring_back.h"

#include <gmock/gmock.h>

#include "tests/unit/activate/activator_fixture.h"

namespace cv::activate {

using testing::HasSubstr;
using Refusal = FakeMapper::Refusal;

namespace {

class Warnings final : public log::Sink {
 public:
  void line(log::Level level, std::string_view text) noexcept override {
    if (level == log::Level::warning) all_.append(text).append("\n");
  }
  const std::string& all() const { return all_; }

 private:
  std::string all_;
  log::Redirect redirect_{*this};
};

bool has_errors_only(const Table& table) {
  return answers_with_errors(table);
}

class BringBack : public ActivatorTest {
 protected:
  /// What `deed` throws.
  template <class Deed>
  static Error error_of(Deed&& deed) {
    try {
      deed();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(Errc::kernel, "nothing");
  }

  Error error_of_growing(const VolumeGroup& vg) {
    const auto next = longer(vg);
    auto inputs = unlocked(next);
    return error_of([&] { activator_.stage(vg, next, {"tst"}, inputs).go(); });
  }

  Table live(const VolumeGroup& vg, const std::string& lv) {
    return mapper_.live_table(uuid_of(vg, lv)).value();
  }

  void refuse_what_is_longer_than(Refusal how, Sectors length) {
    mapper_.refuse(how, [=](const std::string&, const Table& table) {
      return length_of(table) > length && !answers_with_errors(table);
    });
  }
  void refuse_all_but_errors(Refusal how) {
    mapper_.refuse(how, [](const std::string&, const Table& table) { return !has_errors_only(table); });
  }
  void refuse_nothing() { mapper_.refuse(Refusal::at_swap, nullptr); }
};

}  // namespace

TEST_F(BringBack, GoesOnWithTheOldTableWhereTheNewOneIsRefused) {
  for (const auto how : {Refusal::at_swap, Refusal::in_place}) {
    for (const auto& vg : {group_with_tst(), striped_tst()}) {
      activate(vg);
      const auto before = live(vg, "tst");
      refuse_what_is_longer_than(how, kExtent * 4);

      const auto error = error_of_growing(vg);

      EXPECT_EQ(error.code(), Errc::kernel);
      EXPECT_EQ(live(vg, "tst"), before);
      EXPECT_FALSE(mapper_.any_suspended());
      EXPECT_FALSE(mapper_.any_inactive_table());
      refuse_nothing();
      activator_.activate(longer(vg), {"tst"}, unlocked(vg));
      EXPECT_EQ(live_length(vg, "tst"), kExtent * 6);
      activator_.deactivate(vg, {"tst"});
    }
  }
}

TEST_F(BringBack, AnswersWithErrorsWhereNoTableIsTakenAndIsMendedWhileItIsOpen) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    const bool is_striped =
        (std::get<metadata::Striped>(metadata::lv_at(vg, "tst_crdata").segments.front().kind).stripes.size() >
         1);
    activate(vg);
    mapper_.open(uuid_of(vg, "tst"));
    refuse_all_but_errors(Refusal::in_place);

    const auto error = error_of_growing(vg);

    const std::string name = is_striped ? "vg0-tst_crdata" : "vg0-tst";
    EXPECT_THAT(error.what(), HasSubstr(name + " could be resumed with none of its tables"));
    EXPECT_THAT(error.what(), HasSubstr("can't go on with its table"));
    EXPECT_THAT(error.advice(), HasSubstr("cvchange --refresh vg0"));
    EXPECT_FALSE(mapper_.any_suspended());
    EXPECT_FALSE(mapper_.any_inactive_table());
    EXPECT_TRUE(has_errors_only(live(vg, is_striped ? "tst_crdata" : "tst")));
    EXPECT_EQ(live_length(vg, "tst"), kExtent * 4);
    refuse_nothing();
    EXPECT_THAT(drift_of(activator_.plan_activation(vg, {"tst"}, unlocked(vg))),
                testing::ElementsAre("table"));
    activate(vg);
    EXPECT_TRUE(activator_.plan_activation(vg, {"tst"}, unlocked(vg)).empty());
    mapper_.close(uuid_of(vg, "tst"));
    activator_.deactivate(vg, {"tst"});
  }
}

TEST_F(BringBack, TakesTheErrorsWhereTheOldTableHoldsItsKey) {
  const auto vg = group_with_tst();
  const auto next = longer(vg);
  KeyCache cache(nullptr, settings());
  Activator activator(mapper_, &cache);
  const auto with_key = [&](const VolumeGroup& group) {
    auto inputs = inputs_for(group);
    cache.put(store_of(group), std::make_shared<const crypt::SecureBytes>(sample_key(64)));
    inputs.keys["cryptostore1"].key = cache.table_key(store_of(group), 64, false);
    return inputs;
  };
  activator.activate(vg, {"tst"}, with_key(vg));
  ASSERT_TRUE(holds_key_bytes(live(vg, "tst")));
  refuse_what_is_longer_than(Refusal::in_place, kExtent * 4);

  const auto error = error_of([&] { activator.stage(vg, next, {"tst"}, with_key(next)).go(); });

  EXPECT_THAT(error.what(), HasSubstr("vg0-tst"));
  EXPECT_TRUE(has_errors_only(live(vg, "tst")));
  EXPECT_FALSE(mapper_.any_suspended());
}

TEST_F(BringBack, SaysWhichDeviceStandsStillWhereNothingHelps) {
  auto vg = group_with_tst();
  add_volume(vg, "one", true, {linear(0, 1, on_pv(0, 0))});
  auto next = longer(vg);
  metadata::find_lv(next, "one")->segments.push_back(linear(1, 1, on_pv(0, 1)));
  activator_.activate(vg, {"tst", "one"}, unlocked(vg));
  mapper_.refuse(Refusal::in_place, [](const std::string&, const Table&) { return true; });
  const Warnings warnings;

  const auto inputs = unlocked(next);
  const auto error = error_of([&] { activator_.stage(vg, next, {"tst", "one"}, inputs).go(); });

  EXPECT_TRUE(mapper_.any_suspended());
  EXPECT_THAT(error.what(), HasSubstr("vg0-tst is suspended and can't be resumed"));
  EXPECT_THAT(error.advice(), HasSubstr("cvchange -an vg0"));
  EXPECT_THAT(warnings.all(), HasSubstr("vg0-one is suspended and can't be resumed"));
  refuse_nothing();
  activator_.activate(next, {"tst", "one"}, unlocked(next));
  EXPECT_FALSE(mapper_.any_suspended());
  EXPECT_EQ(live_length(vg, "tst"), kExtent * 6);
}

TEST_F(BringBack, IsNeverSilentWhereEveryRequestFailsFromSomeMomentOn) {
  for (const auto& vg : {group_with_tst(), striped_tst()}) {
    const auto next = longer(vg);
    for (const bool goes : {true, false}) {
      for (unsigned n = 1;; ++n) {
        activate(vg);
        const auto inputs = unlocked(next);
        const Warnings warnings;
        std::string said;
        mapper_.fail_at(n, true);
        bool failed = false;
        try {
          auto change = activator_.stage(vg, next, {"tst"}, inputs);
          change.suspend();
          if (goes) change.go();
        } catch (const Error& error) {
          failed = true;
          said = error.what();
        }
        mapper_.fail_at(0);

        if (mapper_.any_suspended()) {
          EXPECT_THAT(said + warnings.all(), HasSubstr("vg0-tst is suspended")) << n;
        }
        activate(vg);
        EXPECT_FALSE(mapper_.any_suspended());
        activator_.deactivate(vg, {"tst"});
        if (!failed && warnings.all().empty()) break;
      }
    }
  }
}

TEST_F(BringBack, DropsAChangeWhoeverFailsOnTheWayBack) {
  const auto vg = striped_tst();
  const auto next = longer(vg);
  for (unsigned n = 1; n < 10; ++n) {
    activate(vg);
    const auto inputs = unlocked(next);
    {
      auto change = activator_.stage(vg, next, {"tst"}, inputs);
      change.suspend();
      mapper_.fail_at(n);
    }
    mapper_.fail_at(0);

    EXPECT_FALSE(mapper_.any_suspended()) << n;
    EXPECT_EQ(live_length(vg, "tst"), kExtent * 4) << n;
    activator_.deactivate(vg, {"tst"});
  }
}

TEST_F(BringBack, ClosesAVolumeThatCantBeResumed) {
  const auto vg = striped_tst();
  for (const bool is_hopeless : {false, true}) {
    refuse_nothing();
    activate(vg);
    mapper_.run(SuspendDevice{uuid_of(vg, "tst")});
    mapper_.refuse(Refusal::in_place, [=](const std::string&, const Table& table) {
      return is_hopeless || !has_errors_only(table);
    });
    const Warnings warnings;

    if (is_hopeless) {
      const auto error = error_of([&] { activator_.deactivate(vg, {"tst"}); });
      EXPECT_THAT(error.what(), HasSubstr("vg0-tst is suspended and can't be resumed"));
      refuse_nothing();
      activator_.deactivate(vg, {"tst"});
    } else {
      activator_.deactivate(vg, {"tst"});
      EXPECT_THAT(warnings.all(), HasSubstr("vg0-tst could be resumed with none of its tables"));
    }

    EXPECT_TRUE(mapper_.empty());
  }
}

TEST_F(BringBack, ResumesAVolumeAsItIsWhereItsDiskHasGone) {
  const auto vg = striped_tst();
  activate(vg);
  const auto table = live(vg, "tst");
  auto inputs = unlocked(vg);
  inputs.pvs.erase(pv_id(0));
  for (const std::string lv : {"tst", "tst_crdata"}) mapper_.run(SuspendDevice{uuid_of(vg, lv)});
  mapper_.run(LoadTable{uuid_of(vg, "tst"), {{Sectors(0), Sectors(8), ZeroTarget{}}}});

  const auto error = error_of([&] { activator_.activate(vg, {"tst"}, inputs); });

  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_FALSE(mapper_.any_suspended());
  EXPECT_FALSE(mapper_.any_inactive_table());
  EXPECT_EQ(live(vg, "tst"), table);
}

TEST_F(BringBack, AnswersWithErrorsWhereTheKeyOfASuspendedDeviceHasGone) {
  const auto vg = group_with_tst();
  activate(vg);
  const auto table = live(vg, "tst");
  mapper_.run(SuspendDevice{uuid_of(vg, "tst")});
  // As dm-crypt behind "key wipe": the table is as it should be, and can't go on until it is loaded anew.
  bool is_wiped = true;
  mapper_.refuse(Refusal::in_place,
                 [&](const std::string&, const Table& now) { return is_wiped && now == table; });

  const auto error = error_of([&] { activate(vg); });

  EXPECT_THAT(error.what(), HasSubstr("vg0-tst"));
  EXPECT_TRUE(has_errors_only(live(vg, "tst")));
  is_wiped = false;
  activate(vg);
  EXPECT_EQ(live(vg, "tst"), table);
}

}  // namespace cv::activate
