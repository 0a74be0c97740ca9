// A command may be killed behind any operation of the mapper. Run again, it leads to where it would have led
// at once.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "activate/activator.h"
#include "lib/base/error.h"
#include "metadata/edit_rename.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/fake_mapper.h"
#include "tests/support/memory_keyring.h"
#include "tests/support/sample_group.h"
#include "tests/support/silence.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/activate/activator_fixture.h"

namespace cv::activate {

using namespace cv::test;
using metadata::VolumeGroup;

namespace {

VolumeGroup group(bool is_striped) {
  auto vg = is_striped ? striped_tst() : group_with_tst();
  add_volume(vg, "plain", true, {linear(0, 1, on_pv(0, 60))});
  return vg;
}

/// Disks, kernel and keyring: what is left when a command dies.
struct World {
  VolumeGroup vg;  ///< as it is committed
  FakeMapper mapper;
  MemoryKeyring keyring;
  TempDir run_dir;
};

/// One run of a command, with a process of its own.
class Command {
 public:
  explicit Command(World& world)
      : world_(world), cache_(&world.keyring, settings(world)), activator_(world.mapper, &cache_) {}

  Activator& activator() { return activator_; }
  FakeMapper& mapper() { return world_.mapper; }
  const VolumeGroup& vg() const { return world_.vg; }

  TreeInputs inputs(const VolumeGroup& vg) {
    auto all = inputs_for(vg);
    const StoreId id{vg.id, metadata::lv_at(vg, "cryptostore1").id};
    const bool is_live = activator_.is_active(vg, "tst");
    if (!cache_.in_keyring(id, is_live))
      cache_.put(id, std::make_shared<const crypt::SecureBytes>(sample_key(64)));
    all.keys["cryptostore1"].key = cache_.table_key(id, 64, is_live);
    return all;
  }

  void activate() { activator_.activate(world_.vg, kVolumes, inputs(world_.vg)); }
  void deactivate() { activator_.deactivate(world_.vg, kVolumes); }

  /// Extends, creates: new tables wait, the commit, new tables are live.
  void grow_to(const VolumeGroup& next) {
    auto change = activator_.stage(world_.vg, next, {"tst"}, inputs(next));
    world_.vg = next;
    change.go();
  }
  void shrink_to(const VolumeGroup& next) {
    activator_.stage(world_.vg, next, {"tst"}, inputs(next)).go();
    world_.vg = next;
  }
  void rename_to(const VolumeGroup& next, const std::vector<std::string>& lvs) {
    auto change = activator_.stage_renaming(world_.vg, next, lvs);
    world_.vg = next;
    change.go();
  }

  inline static const std::vector<std::string> kVolumes{"tst", "plain"};

 private:
  static KeyCache::Settings settings(const World& world) {
    KeyCache::Settings settings;
    settings.run_dir = world.run_dir.path("run");
    return settings;
  }

  World& world_;
  KeyCache cache_;
  Activator activator_;
};

using Deed = std::function<void(Command&)>;

/// What is before, what is killed, and what is run again.
struct Case {
  Deed before;
  Deed deed;
  Deed again;
  /// Where ids are made anew: a state with each id in place of the other one.
  std::function<std::string(std::string)> same_ids = nullptr;
};

void run(World& world, const Deed& deed) {
  world.mapper.kill_after(0);
  Command command(world);
  deed(command);
}

/// The state that the command leads to undisturbed; for each n the state after it was killed behind the n-th
/// operation and run again must be the same.
void expect_convergent(const VolumeGroup& vg, const Case& tried) {
  World undisturbed;
  undisturbed.vg = vg;
  undisturbed.mapper.use_keyring(undisturbed.keyring);
  run(undisturbed, tried.before);
  run(undisturbed, tried.deed);
  const auto wanted = undisturbed.mapper.state();
  const auto key = key_description({vg.id, metadata::lv_at(vg, "cryptostore1").id});

  for (unsigned n = 1;; ++n) {
    SCOPED_TRACE(fmt::format("killed behind operation {}", n));
    World world;
    world.vg = vg;
    world.mapper.use_keyring(world.keyring);
    run(world, tried.before);
    bool died = false;
    // A process that was killed runs no destructors; that of its cache would take the key away.
    Command killed(world);
    world.mapper.kill_after(n);
    try {
      tried.deed(killed);
    } catch (const FakeMapper::Killed&) {
      died = true;
    }
    if (!died) {
      EXPECT_GT(n, 1U);
      return;
    }
    const auto left = world.mapper.state();

    run(world, tried.again);

    if (tried.same_ids) {
      EXPECT_EQ(tried.same_ids(world.mapper.state()), tried.same_ids(wanted)) << "it had left\n" << left;
    } else {
      EXPECT_EQ(world.mapper.state(), wanted) << "it had left\n" << left;
      EXPECT_EQ(world.vg, undisturbed.vg);
    }
    EXPECT_EQ(world.keyring.find(key), undisturbed.keyring.find(key));
    if (world.keyring.find(key)) {
      EXPECT_EQ(world.keyring.time_left(key), std::nullopt);
    }
    if (testing::Test::HasFailure()) return;
  }
}

const Deed kNothing = [](Command&) {};
const Deed kActivate = [](Command& command) { command.activate(); };
const Deed kDeactivate = [](Command& command) { command.deactivate(); };

class Killed : public testing::TestWithParam<bool> {
 protected:
  VolumeGroup vg_ = group(GetParam());

 private:
  Silence silence_;
};

}  // namespace

TEST_P(Killed, AnActivation) {
  expect_convergent(vg_, {kNothing, kActivate, kActivate});
}

TEST_P(Killed, ADeactivation) {
  expect_convergent(vg_, {kActivate, kDeactivate, kDeactivate});
}

TEST_P(Killed, ADeactivationOfWhatIsHalfUp) {
  const Deed up_and_down = [](Command& command) {
    command.activate();
    command.deactivate();
  };
  expect_convergent(vg_, {kNothing, up_and_down, kDeactivate});
}

TEST_P(Killed, AnExtensionThatIsSaidAgain) {
  const auto next = longer(vg_);
  const Deed grow = [&](Command& command) { command.grow_to(next); };
  expect_convergent(vg_, {kActivate, grow, grow});
}

TEST_P(Killed, AReductionThatIsSaidAgain) {
  const auto next = vg_;
  const Deed shrink = [&](Command& command) { command.shrink_to(next); };
  expect_convergent(longer(vg_), {kActivate, shrink, shrink});
}

TEST_P(Killed, ARenamingThatTheNextActivationFinishes) {
  const auto next = metadata::rename_volume(vg_, "tst", "tst2");
  const Deed rename = [&](Command& command) { command.rename_to(next, {"tst2", "tst2_crdata"}); };
  const Deed again = [&](Command& command) {
    command.activator().activate(next, {"tst2", "plain"}, command.inputs(vg_));
  };
  expect_convergent(vg_, {kActivate, rename, again});
}

TEST_P(Killed, AnActivationOfTwoVolumesThatHaveEachOthersName) {
  const Deed swap = [&](Command& command) {
    command.activate();
    command.mapper().run(RenameDevice{uuid_of(vg_, "plain"), "vg0-between", {}, {}});
    command.mapper().run(RenameDevice{uuid_of(vg_, "tst"), "vg0-plain", {}, {}});
    command.mapper().run(RenameDevice{uuid_of(vg_, "plain"), "vg0-tst", {}, {}});
  };
  expect_convergent(vg_, {swap, kActivate, kActivate});
  expect_convergent(vg_, {swap, kDeactivate, kDeactivate});
}

TEST_P(Killed, AnActivationThatMendsWhatOthersLeft) {
  for (const bool suspended : {false, true}) {
    const Deed leave = [&](Command& command) {
      command.activate();
      for (const std::string lv : {"tst", "plain"}) {
        const auto uuid = uuid_of(vg_, lv);
        command.mapper().run(LoadTable{uuid, {{Sectors(0), Sectors(8), ZeroTarget{}}}});
        if (lv == "plain") command.mapper().run(ResumeDevice{uuid, {}, std::nullopt});
        if (suspended) command.mapper().run(SuspendDevice{uuid});
      }
      command.mapper().run(RenameDevice{uuid_of(vg_, "plain"), "vg0-other", {}, {}});
    };
    expect_convergent(vg_, {leave, kActivate, kActivate});
    expect_convergent(vg_, {leave, kDeactivate, kDeactivate});
  }
}

TEST_P(Killed, ACreationThatIsSaidAgainUnderOtherIds) {
  auto before = vg_;
  std::erase_if(before.lvs, [](const auto& lv) { return lv.name.starts_with("tst"); });
  auto other = vg_;
  std::vector<std::pair<std::string, std::string>> ids;
  for (auto& lv : other.lvs) {
    if (!lv.name.starts_with("tst")) continue;
    const auto first = dm_uuid(other.id, lv.id);
    lv.id = id_of<LvId>(900 + static_cast<unsigned>(ids.size()));
    ids.emplace_back(first, dm_uuid(other.id, lv.id));
  }
  const Deed again = [&](Command& command) {
    if (command.vg() == vg_)
      command.activator().activate(vg_, {"tst"}, command.inputs(vg_));
    else
      command.grow_to(other);
  };
  const auto same_ids = [&](std::string text) {
    for (const auto& [first, second] : ids)
      if (const auto at = text.find(first); at != std::string::npos) text.replace(at, first.size(), second);
    return text;
  };
  expect_convergent(before, {kNothing, [&](Command& command) { command.grow_to(vg_); }, again, same_ids});
}

TEST_P(Killed, AGroupThatIsCleanedOfWhatNoVolumeOwns) {
  auto before = vg_;
  std::erase_if(before.lvs, [](const auto& lv) { return lv.name.starts_with("tst"); });
  for (unsigned n = 1;; ++n) {
    World world;
    world.vg = before;
    Command command(world);
    world.mapper.kill_after(n);
    EXPECT_THROW(command.grow_to(vg_), FakeMapper::Killed);
    if (world.vg == vg_) break;
    world.mapper.kill_after(0);
    world.mapper.run(CreateDevice{"foreign", "CRYPT-1", std::nullopt});

    command.activator().clean(before);

    EXPECT_TRUE(world.mapper.list().empty());
    EXPECT_TRUE(world.mapper.find_name("foreign"));
  }
}

INSTANTIATE_TEST_SUITE_P(Data, Killed, testing::Values(false, true),
                         [](const auto& param) { return param.param ? "Striped" : "Linear"; });

}  // namespace cv::activate
