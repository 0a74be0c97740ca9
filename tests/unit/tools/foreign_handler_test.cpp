// Keystores of handlers that are not compiled in, while the handler is there and when it is gone. Whole
// commands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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

TEST_F(ForeignHandler, HasItsBytesSavedAndPutBackWhereverItIs) {
  ASSERT_EQ(create("home", "sealed").error, "");
  const auto save = [&](const std::string& name) {
    return must({"cvkey", "backup", "--file", workshop_.path(name), "vg0/cryptostore1"}).messages;
  };
  const auto put_back = [&](std::vector<std::string> options) {
    std::vector<std::string> words{"cvkey", "restore", "--file", workshop_.path("saved"), "vg0/cryptostore1"};
    words.insert(words.end(), options.begin(), options.end());
    return run(std::move(words));
  };

  EXPECT_THAT(save("saved"), HasSubstr("can't be verified"));
  EXPECT_EQ(put_back({"-y", "--keyfile", workshop_.path("wrong")}).id, "CV-KEY-WRONG");
  EXPECT_EQ(put_back({"-y", "--keyfile", workshop_.path("right")}).error, "");
  EXPECT_EQ(add("more").error, "");

  workshop_.take_plugins_from("");
  EXPECT_THAT(save("again"), HasSubstr("not installed here"));
  EXPECT_EQ(workshop_.bytes("saved"), workshop_.bytes("again"));
  EXPECT_THAT(put_back({"-y"}).error, AllOf(HasSubstr("not installed here"), HasSubstr("--force")));
  must({"cvkey", "erase", "--force", "vg0/cryptostore1"});
  EXPECT_EQ(put_back({"--force"}).error, "");
  workshop_.take_plugins_from(room_.path(""));
  EXPECT_EQ(add("later").error, "");
}

class CommandInConfiguration : public ForeignHandler {
 protected:
  CommandInConfiguration() {
    room_.add_cellar("cellar");
    workshop_.take_handlers_from(conf());
  }
  std::string conf() const { return room_.path("handlers.conf"); }
  void configure(const std::string& text) {
    test::write_file(conf(), std::string_view(text));
    ::chmod(conf().c_str(), 0644);
  }
  std::string cellar() const { return "command = [ \"" + room_.path("cellar") + "\" ]"; }
};

TEST_F(CommandInConfiguration, MakesAndOpensStores) {
  configure("cellar { " + cellar() + " secret = 1 }\n");
  ASSERT_EQ(create("home", "cellar").error, "");

  EXPECT_EQ(add("more").error, "");
  EXPECT_EQ(add("other", "wrong").id, "CV-KEY-WRONG");
  EXPECT_THAT(must({"cvck", "vg0"}).output, Not(HasSubstr("STORE-HANDLER")));
  workshop_.take_handlers_from(room_.path("not-there"));
  EXPECT_EQ(add("other").id, "CV-NO-HANDLER");
  EXPECT_THAT(must({"cvck", "vg0"}).output, HasSubstr("STORE-HANDLER"));
}

TEST_F(CommandInConfiguration, ThatFailsIsAMatterOfTheSecret) {
  room_.add_program("flaky",
                    "[ ! -e " + room_.path("down") +
                        " ] || { echo 'no answer from it' >&2; exit 1; }\n"
                        "request=$(cat); case $request in *unlock*) head -c 64 " +
                        room_.path("kept") +
                        " ;;\n"
                        "*) printf %s \"$request\" | sed 's/.*\"key\":\"//; s/\".*//' | base64 -d >" +
                        room_.path("kept") + "; echo kept ;; esac");
  configure("flaky { command = \"" + room_.path("flaky") + "\" }\n");
  ASSERT_EQ(run({"cvcreate", "-an", "--crypt", "--handler", "flaky", "-l", "1", "-n", "home", "vg0"}).error,
            "");
  EXPECT_EQ(add("more").error, "");
  test::write_file(room_.path("down"), std::string_view());

  const auto outcome = add("other");

  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.id, "CV-KEY-MISSING");
  EXPECT_THAT(outcome.error, HasSubstr("no answer from it"));
  EXPECT_THAT(must({"cvs", "vg0"}).output, Not(HasSubstr("other")));
}

TEST_F(CommandInConfiguration, MustBelongToRootAlone) {
  configure("cellar { " + cellar() + " secret = 1 }\n");
  ::chmod(conf().c_str(), 0666);

  const auto outcome = create("home", "cellar");

  EXPECT_EQ(outcome.id, "CV-REFUSED");
  EXPECT_THAT(outcome.error, AllOf(HasSubstr("handlers.conf"), HasSubstr("written by others")));
  // What is compiled in needs no configuration.
  EXPECT_EQ(run({"cvcreate", "-an", "--crypt", "--handler", "hashed", "--keyfile", workshop_.path("right"),
                 "-l", "1", "-n", "home", "vg0"})
                .error,
            "");
}

TEST_F(CommandInConfiguration, ThatCannotBeUnderstoodSaysWhere) {
  for (const auto& [text, said] :
       {std::pair{std::string("cellar { secret = 1 }"), "names no program"},
        {"cellar { command = [ \"cellar\" ] }", "names no program"},
        {"cellar { command = [ \"/bin/sh\", 1 ] }", "names no program"},
        {"cellar { " + cellar() + " timeout = 0 }", "timeout is no number from 1 to 3600"},
        {"cellar { " + cellar() + " region = 100 }", "region is no number"},
        {"cellar { " + cellar() + " secret = \"yes\" }", "secret is no number"},
        {"cellar { " + cellar() + " path = 1 }", "path is not known"},
        {"cellar {", "handlers.conf"}}) {
    configure(text + "\n");

    const auto outcome = create("home", "cellar");

    EXPECT_EQ(outcome.id, "CV-DAMAGED") << text;
    EXPECT_THAT(outcome.error, AllOf(HasSubstr("handlers.conf"), HasSubstr(said)));
  }
}

}  // namespace
