#include "lib/crypt/luks_slots.h"

#include <gmock/gmock.h>

#include "lib/base/error.h"
#include "lib/crypt/luks_header.h"
#include "tests/support/crypt_samples.h"

namespace cv::crypt {
namespace {

using test::cheap_request;
using test::sample_key;
using test::secret;
using Store = std::vector<std::byte>;

constexpr std::size_t kBlock = 4096;

class SlotsOfLuks : public testing::TestWithParam<LuksVersion> {
 protected:
  SlotsOfLuks() : slots_(GetParam()) {
    FormatRequest request = cheap_request();
    request.attributes.hash = "sha256";
    request.region = min_luks_region(GetParam(), request.attributes);
    store_ = format_luks(GetParam(), request, sample_key(64), secret("first"));
  }

  NewSlot cheap(std::optional<int> number = std::nullopt, std::string name = "") const {
    return {.kdf = cheap_request().kdf, .number = number, .name = std::move(name)};
  }

  Store with_second() const { return slots_.add(store_, sample_key(64), secret("second"), cheap()).bytes; }

  static bool opens(const Store& store, const char* with) {
    return LuksHeader(store).unlock(secret(with)).has_value();
  }

  std::vector<int> numbers(const Store& store) const {
    std::vector<int> numbers;
    for (const KeySlot& slot : slots_.list(store)) numbers.push_back(slot.number);
    return numbers;
  }

  /// Every state that a disk can have while `to` is written over `from`, block by block in the order of the
  /// handler; `look` gets each.
  template <class Look>
  void at_every_block(const Store& from, const Store& to, Look look) const {
    ASSERT_EQ(from.size(), to.size());
    Store disk = from;
    std::size_t written = 0;
    for (const auto& part : slots_.write_order(to)) {
      for (std::size_t at = part.begin.n; at < part.end.n; at += kBlock) {
        const std::size_t end = std::min<std::size_t>(at + kBlock, part.end.n);
        const auto begin = to.begin() + static_cast<std::ptrdiff_t>(at);
        const auto stop = to.begin() + static_cast<std::ptrdiff_t>(end);
        if (std::equal(begin, stop, disk.begin() + static_cast<std::ptrdiff_t>(at))) continue;
        // Half of the block first: a disk writes sectors.
        std::copy(begin, begin + 512, disk.begin() + static_cast<std::ptrdiff_t>(at));
        look(disk);
        std::copy(begin, stop, disk.begin() + static_cast<std::ptrdiff_t>(at));
        look(disk);
        ++written;
      }
    }
    EXPECT_EQ(disk, to);
    EXPECT_GT(written, 1U);
  }

  LuksSlots slots_;
  Store store_;
};

TEST_P(SlotsOfLuks, AreListedWithTheirDerivation) {
  const auto list = slots_.list(store_);

  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].number, 0);
  EXPECT_EQ(list[0].kdf, "pbkdf2");
  EXPECT_EQ(list[0].iterations, 1000U);
  EXPECT_TRUE(list[0].opens_store);
}

TEST_P(SlotsOfLuks, OpenWithEitherSecretOnceOneIsAdded) {
  const auto added = slots_.add(store_, sample_key(64), secret("second"), cheap());

  EXPECT_EQ(added.number, 1);
  EXPECT_TRUE(opens(added.bytes, "first"));
  EXPECT_TRUE(opens(added.bytes, "second"));
  EXPECT_EQ(added.bytes.size(), store_.size());
}

TEST_P(SlotsOfLuks, TakeTheNumberThatIsWanted) {
  EXPECT_EQ(slots_.add(store_, sample_key(64), secret("x"), cheap(5)).number, 5);
  EXPECT_THROW(slots_.add(store_, sample_key(64), secret("x"), cheap(0)), Error);
  EXPECT_THROW(slots_.add(store_, sample_key(64), secret("x"), cheap(99)), Error);
}

TEST_P(SlotsOfLuks, AreGoneOnceRemoved) {
  const Store removed = slots_.remove(with_second(), 0);

  EXPECT_FALSE(opens(removed, "first"));
  EXPECT_TRUE(opens(removed, "second"));
  EXPECT_EQ(numbers(removed), std::vector{1});
  EXPECT_THROW(slots_.remove(removed, 0), Error);
}

TEST_P(SlotsOfLuks, LeaveNoKeyMaterialWhenRemoved) {
  const Store two = with_second();
  const Store removed = slots_.remove(two, 1);

  // What the slot added to the area of key material is not what stands there now.
  const auto material = slots_.write_order(two).front();
  std::size_t kept = 0;
  std::size_t added = 0;
  for (std::size_t at = material.begin.n; at + kBlock <= material.end.n; at += kBlock) {
    const auto same = [&](const Store& a, const Store& b) {
      const auto from = static_cast<std::ptrdiff_t>(at);
      return std::equal(a.begin() + from, a.begin() + from + kBlock, b.begin() + from);
    };
    if (same(two, store_)) continue;
    ++added;
    if (same(two, removed)) ++kept;
  }
  EXPECT_GT(added, 10U);
  EXPECT_EQ(kept, 0U);
}

TEST_P(SlotsOfLuks, RefuseAKeyThatIsNotTheStores) {
  EXPECT_THROW(slots_.add(store_, sample_key(64, 2), secret("x"), cheap()), Error);
}

TEST_P(SlotsOfLuks, RefuseOneMoreWhereAllAreTaken) {
  Store store = store_;
  for (int i = 1; i < 8; ++i) store = slots_.add(store, sample_key(64), secret("x"), cheap()).bytes;
  try {
    slots_.add(store, sample_key(64), secret("x"), cheap());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::refused);
  }
}

TEST_P(SlotsOfLuks, OpenWhereverTheWritingOfANewOneStops) {
  const Store after = with_second();
  at_every_block(store_, after, [](const Store& disk) { EXPECT_TRUE(opens(disk, "first")); });
}

TEST_P(SlotsOfLuks, OpenWhereverTheWritingOfARemovalStops) {
  const Store before = with_second();
  at_every_block(before, slots_.remove(before, 0),
                 [](const Store& disk) { EXPECT_TRUE(opens(disk, "second")); });
}

TEST_P(SlotsOfLuks, GoWithTheStoreToTheOtherVersion) {
  const bool is_first = GetParam() == LuksVersion::luks1;
  const LuksSlots others(is_first ? LuksVersion::luks2 : LuksVersion::luks1);

  const Store converted = slots_.convert(with_second(), is_first ? "luks2" : "luks1");
  const Store back = others.convert(converted, is_first ? "luks1" : "luks2");

  EXPECT_EQ(LuksHeader(converted).info().version, is_first ? LuksVersion::luks2 : LuksVersion::luks1);
  for (const Store* store : {&converted, &back}) {
    EXPECT_TRUE(opens(*store, "first"));
    EXPECT_TRUE(opens(*store, "second"));
    EXPECT_EQ(LuksHeader(*store).verify(sample_key(64)), true);
  }
  EXPECT_THROW(static_cast<void>(slots_.convert(store_, "plain")), Error);
  EXPECT_THROW(static_cast<void>(slots_.convert(store_, is_first ? "luks1" : "luks2")), Error);
}

TEST_P(SlotsOfLuks, AreTheSameWhereTheirSecretIs) {
  const Store both = with_second();
  const Store other = slots_.add(slots_.remove(both, 1), sample_key(64), secret("second"), cheap(1)).bytes;

  EXPECT_TRUE(slots_.is_same_slot(store_, both, 0));
  EXPECT_FALSE(slots_.is_same_slot(store_, both, 1));
  EXPECT_TRUE(slots_.is_same_slot(both, other, 0));
  EXPECT_FALSE(slots_.is_same_slot(both, other, 1));
}

INSTANTIATE_TEST_SUITE_P(Both, SlotsOfLuks, testing::Values(LuksVersion::luks1, LuksVersion::luks2),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

class SlotNames : public testing::Test {
 protected:
  static Store store(LuksVersion version) {
    FormatRequest request = cheap_request();
    request.attributes.hash = "sha256";
    request.region = min_luks_region(version, request.attributes);
    return format_luks(version, request, sample_key(64), secret("first"));
  }
};

TEST_F(SlotNames, StayWithTheirSlot) {
  const LuksSlots slots(LuksVersion::luks2);
  const NewSlot wanted{.kdf = cheap_request().kdf, .number = {}, .name = "ann \"a\" \xc3\xa9"};

  const auto added = slots.add(store(LuksVersion::luks2), sample_key(64), secret("second"), wanted);

  EXPECT_EQ(slots.list(added.bytes).at(1).name, wanted.name);
  const Store removed = slots.remove(added.bytes, 1);
  EXPECT_EQ(slots.list(removed).size(), 1U);
  // Whoever gets the slot next does not get the name.
  const auto again = slots.add(removed, sample_key(64), secret("third"), {.kdf = wanted.kdf, .number = 1});
  EXPECT_EQ(slots.list(again.bytes).at(1).name, "");
}

TEST_F(SlotNames, AreLeftToOthersByLuks1) {
  const LuksSlots slots(LuksVersion::luks1);
  const NewSlot wanted{.kdf = cheap_request().kdf, .number = {}, .name = "ann"};

  const auto added = slots.add(store(LuksVersion::luks1), sample_key(64), secret("second"), wanted);

  EXPECT_FALSE(slots.keeps_names());
  EXPECT_EQ(slots.list(added.bytes).at(1).name, "");
  EXPECT_THROW(static_cast<void>(slots.named(added.bytes, 1, "ann")), Error);
}

TEST_F(SlotNames, CanBeGivenLater) {
  const LuksSlots slots(LuksVersion::luks2);
  const Store first = store(LuksVersion::luks2);

  const Store named = slots.named(slots.named(first, 0, "old"), 0, "ann");

  EXPECT_TRUE(slots.keeps_names());
  EXPECT_EQ(slots.list(named).at(0).name, "ann");
  EXPECT_EQ(slots.list(slots.named(named, 0, "")).at(0).name, "");
  EXPECT_THROW(static_cast<void>(slots.named(first, 1, "bob")), Error);
}

TEST_F(SlotNames, AreShortAndPrintable) {
  for (const std::string& name : {std::string("a\nb"), std::string(kLongestSlotName + 1, 'a')})
    EXPECT_THROW(LuksSlots(LuksVersion::luks2)
                     .add(store(LuksVersion::luks2), sample_key(64), secret("second"),
                          {.kdf = cheap_request().kdf, .number = {}, .name = name}),
                 Error);
}

}  // namespace
}  // namespace cv::crypt
