// Keystores of handlers that are not compiled in, while the handler is there and when it is gone. Whole
// commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/external_handlers.h"
#include "tests/unit/tools/command_harness.h"

using namespace cv;
using test::Workshop;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

class ForeignHandler : public testing::Test {
 protected:
  ForeignHandler() {
    disk_ = workshop_.disk("pv0");
    test::write_file(workshop_.path("right"), std::string_view("sesame"));
    test::write_file(workshop_.path("wrong"), std::string_view("simsim"));
    for (const char* plugin : {"sealed", "asks-pin", "needs-no-secret", "crashes"}) room_.install(plugin);
    workshop_.take_plugins_from(room_.path(""));
    must({"pvcreate", disk_});
    must({"vgcreate", "vg0", disk_});
  }

  test::Outcome run(std::vector<std::string> words) { return workshop_.run(std::move(words)); }
  test::Outcome must(std::vector<std::string> words) {
    auto outcome = run(std::move(words));
    EXPECT_EQ(outcome.error, "") << outcome.messages;
    return outcome;
  }
  test::Outcome create(const std::string& name, const std::string& handler,
                       const std::string& key = "right") {
    return run({"cvcreate", "-an", "--crypt", "--handler", handler, "--pbkdf-force-iterations", "1000",
                "--keyfile", workshop_.path(key), "-l", "1", "-n", name, "vg0"});
  }
  /// Opens the store, for a further volume.
  test::Outcome add(const std::string& name, const std::string& key = "right") {
    return run({"cvcreate", "-an", "--crypt", "--keystore", "cryptostore1", "--keyfile", workshop_.path(key),
                "-l", "1", "-n", name, "vg0"});
  }

  test::HandlerRoom room_;
  Workshop workshop_;
  std::string disk_;
};

TEST_F(ForeignHandler, MakesAndOpensStores) {
  ASSERT_EQ(create("home", "sealed").error, "");

  EXPECT_EQ(add("more").error, "");
  EXPECT_EQ(add("other", "wrong").id, "CV-KEY-WRONG");
  EXPECT_THAT(must({"cvs", "-a", "-o", "lv_name,key_handler", "vg0"}).output, HasSubstr("sealed"));
  EXPECT_THAT(must({"cvck", "vg0"}).output, Not(HasSubstr("STORE-HANDLER")));
}

TEST_F(ForeignHandler, AsksForWhatItWantsBesides) {
  workshop_.console() = test::ScriptedConsole(tools::Input::terminal);
  ASSERT_EQ(create("home", "asks-pin").error, "");
  workshop_.console().type("1234");

  const auto opened = add("more");

  EXPECT_EQ(opened.error, "");
  EXPECT_EQ(workshop_.console().asked(), std::vector<std::string>{"PIN of the token: "});
  EXPECT_EQ(add("other").id, "CV-KEY-MISSING");
}

TEST_F(ForeignHandler, AsksNobodyWhereItNeedsNoSecret) {
  const auto made =
      run({"cvcreate", "-an", "--crypt", "--handler", "needs-no-secret", "-l", "1", "-n", "home", "vg0"});

  EXPECT_EQ(made.error, "");
  EXPECT_EQ(workshop_.console().asked(), std::vector<std::string>{});
  EXPECT_EQ(add("more").error, "");
}

TEST_F(ForeignHandler, ThatCrashesChangesNothing) {
  ASSERT_EQ(create("home", "crashes").error, "");

  const auto outcome = add("more");

  EXPECT_EQ(outcome.status, 5);
  EXPECT_THAT(outcome.error, AllOf(HasSubstr("crashes"), HasSubstr("signal 11")));
  EXPECT_THAT(must({"cvs", "vg0"}).output, Not(HasSubstr("more")));
}

TEST_F(ForeignHandler, ThatIsNotThereMakesNoStore) {
  const auto outcome = create("home", "tpm9");

  EXPECT_EQ(outcome.id, "CV-NO-HANDLER");
  EXPECT_THAT(outcome.error, HasSubstr("/tpm9.so"));
}

// Whoever has lost a handler can do everything with its stores but open them.
TEST_F(ForeignHandler, ThatIsGoneIsNeededForUnlockingAlone) {
  ASSERT_EQ(create("home", "sealed").error, "");
  const auto key_in_use = must({"cvs", "-a", "-o", "lv_name,key_handler,cipher", "vg0"}).output;
  workshop_.take_plugins_from("");

  EXPECT_EQ(must({"cvs", "-a", "-o", "lv_name,key_handler,cipher", "vg0"}).output, key_in_use);
  EXPECT_THAT(must({"cvck", "vg0"}).output, HasSubstr("STORE-HANDLER"));
  const auto refused = add("more");
  EXPECT_EQ(refused.id, "CV-NO-HANDLER");
  EXPECT_EQ(refused.status, 5);
  must({"vgcfgbackup", "-f", workshop_.path("text"), "vg0"});
  const auto text = workshop_.bytes("text");
  EXPECT_THAT(std::string(reinterpret_cast<const char*>(text.data()), text.size()),
              HasSubstr("handler = \"sealed\""));
  must({"cvrename", "vg0/home", "house"});
  must({"cvextend", "-l", "+1", "vg0/house"});
  must({"cvcreate", "-an", "--crypt", "--keystore", "cryptostore1", "-l", "1", "-n", "later", "vg0"});
  must({"vgrename", "vg0", "vg1"});
  must({"vgrename", "vg1", "vg0"});
  workshop_.take_plugins_from(room_.path(""));
  EXPECT_EQ(add("more").error, "");
  workshop_.take_plugins_from("");
  must({"cvremove", "-y", "vg0/house", "vg0/later", "vg0/more"});
  EXPECT_THAT(must({"cvs", "-a", "vg0"}).output, Not(HasSubstr("cryptostore")));
}

}  // namespace
