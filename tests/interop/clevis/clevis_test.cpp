// Keystores whose key clevis keeps, with a real tang server, as cvm-clevis does it.
#include <chrono>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/interop/clevis/tang_server.h"
#include "tests/support/run_program.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/tools/command_harness.h"

using namespace cv;
using test::Workshop;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

class Clevis : public testing::Test {
 protected:
  Clevis() {
    ::chmod(folder_.path(".").c_str(), 0755);
    std::filesystem::copy_file(CVM_CLEVIS, program());
    ::chmod(program().c_str(), 0755);
    disk_ = workshop_.disk("pv0");
    workshop_.take_handlers_from(folder_.path("handlers.conf"));
    // It has no part in the key; that it is named makes cvcreate open the store.
    test::write_file(folder_.path("unused"), std::string_view("unused"));
    configure("tang", policy());
    must({"pvcreate", disk_});
    must({"vgcreate", "vg0", disk_});
  }

  std::string program() const { return folder_.path("cvm-clevis"); }
  std::string policy() const {
    return fmt::format(R"({{"url":"{}","thp":"{}"}})", server_.url(), server_.thumbprint());
  }
  /// handlers.conf; on a slow machine clevis, a row of shell scripts, takes seconds.
  void configure(const std::string& pin, const std::string& policy, unsigned seconds = 60,
                 const std::string& more = "") {
    test::write_file(folder_.path("handlers.conf"),
                     fmt::format("keeper {{ command = [ \"{}\", \"{}\", '{}'{} ] timeout = {} }}\n",
                                 program(), pin, policy, more, seconds));
    ::chmod(folder_.path("handlers.conf").c_str(), 0644);
  }
  test::Outcome run(std::vector<std::string> words) { return workshop_.run(std::move(words)); }
  void must(std::vector<std::string> words) {
    const auto outcome = run(std::move(words));
    EXPECT_EQ(outcome.error, "") << outcome.messages;
  }
  test::Outcome create() {
    return run({"cvcreate", "-an", "--crypt", "--handler", "keeper", "-l", "1", "-n", "home", "vg0"});
  }
  /// Opens the store, for a further volume.
  test::Outcome add(const std::string& name) {
    return run({"cvcreate", "-an", "--crypt", "--keystore", "cryptostore1", "--keyfile",
                folder_.path("unused"), "-l", "1", "-n", name, "vg0"});
  }
  /// Whether a process has this word in its arguments.
  static bool is_running(const std::string& word) {
    return test::run_program({"pgrep", "-f", "--", word}).status == 0;
  }

  test::TempDir folder_;
  test::TangServer server_;
  Workshop workshop_;
  std::string disk_;
};

TEST_F(Clevis, KeepsAKeyAndGivesItBackWhileTheServerIsThere) {
  const auto created = create();
  ASSERT_EQ(created.error, "");

  EXPECT_EQ(add("more").error, "");
  server_.go_down();
  const auto before = std::chrono::steady_clock::now();
  const auto refused = add("other");

  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(60));
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.id, "CV-KEY-MISSING");
  EXPECT_THAT(refused.error, AllOf(HasSubstr("Error communicating with server " + server_.url()),
                                   HasSubstr("can be reached")));
  EXPECT_THAT(run({"cvs", "vg0"}).output, Not(HasSubstr("other")));
}

TEST_F(Clevis, IsEndedWhereTheServerNeverAnswers) {
  ASSERT_EQ(create().error, "");
  server_.fall_silent();
  configure("tang", policy(), 8);

  const auto before = std::chrono::steady_clock::now();
  const auto refused = add("other");
  const auto took = std::chrono::steady_clock::now() - before;

  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.error, HasSubstr("no answer within 8 s"));
  EXPECT_GE(took, std::chrono::seconds(8));
  EXPECT_LT(took, std::chrono::seconds(60));
  // curl, which waited, went with the others.
  for (const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       is_running(server_.url()) && std::chrono::steady_clock::now() < limit;) {
  }
  EXPECT_FALSE(is_running(server_.url()));
}

TEST_F(Clevis, GoesOnWithTheOldKeyWhenTheServerAdvertisesNewOnes) {
  ASSERT_EQ(create().error, "");
  const std::string before = server_.thumbprint();
  server_.rotate();
  ASSERT_NE(server_.thumbprint(), before);

  EXPECT_EQ(add("more").error, "");
  // A new store is bound to the new keys, where these are configured.
  configure("tang", policy());
  EXPECT_EQ(run({"cvcreate", "-an", "--crypt", "--handler", "keeper", "-l", "1", "-n", "later", "vg0"}).error,
            "");
  server_.drop_old_keys();
  const auto lost = add("other");
  EXPECT_EQ(lost.status, 2);
  EXPECT_THAT(lost.error, HasSubstr("Error communicating with server"));
  EXPECT_EQ(run({"cvcreate", "-an", "--crypt", "--keystore", "cryptostore2", "--keyfile",
                 folder_.path("unused"), "-l", "1", "-n", "more2", "vg0"})
                .error,
            "");
}

TEST_F(Clevis, TrustsNoServerThatNobodyNamed) {
  const std::string anybody = fmt::format(R"({{"url":"{}"}})", server_.url());
  configure("tang", anybody);
  const auto unnamed = create();
  configure("tang", fmt::format(R"({{"url":"{}","thp":"0000000000000000000000000000000000000000000"}})",
                                server_.url()));
  const auto another = create();
  configure("sss", fmt::format(R"({{"t":1,"pins":{{"tang":[{}]}}}})", anybody));
  const auto nested = create();

  for (const auto& outcome : {unnamed, another, nested}) EXPECT_EQ(outcome.status, 2) << outcome.error;
  EXPECT_THAT(unnamed.error, HasSubstr("which keys of the tang server to trust"));
  EXPECT_THAT(run({"cvs", "-a", "vg0"}).output, Not(HasSubstr("cryptostore")));

  configure("tang", anybody, 60, ", \"--trust\"");
  EXPECT_EQ(create().error, "");
}

TEST_F(Clevis, SharesAKeyBetweenServers) {
  const test::TangServer second;
  configure("sss", fmt::format(R"({{"t":1,"pins":{{"tang":[{},{{"url":"{}","thp":"{}"}}]}}}})", policy(),
                               second.url(), second.thumbprint()));
  ASSERT_EQ(create().error, "");
  server_.go_down();

  EXPECT_EQ(add("more").error, "");
}

}  // namespace
