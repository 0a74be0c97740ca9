// Key handlers that are programs: what they are told, what they may answer, and how they end.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/external_handlers.h"
#include "tests/unit/crypt/key_handler_contract.h"

namespace cv::test {
namespace {

using crypt::HandlerList;
using crypt::SecureBytes;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

INSTANTIATE_TEST_SUITE_P(Command, KeyHandlerContract,
                         ::testing::Values(HandlerCase{.handler = "cellar", .is_command = true},
                                           HandlerCase{.handler = "cellar",
                                                       .cipher = "aes-cbc-essiv:sha256",
                                                       .key_bits = 256,
                                                       .hash = "sha256",
                                                       .is_command = true}));

class Command : public ::testing::Test {
 protected:
  Command() : settings_(room_.settings()) {}

  /// A handler whose program is this script.
  const crypt::KeyHandler& handler(const std::string& script) {
    room_.add_program("program", script);
    handlers_.push_back(std::make_unique<HandlerList>(settings_));
    return handlers_.back()->at("program");
  }
  /// What unlocking a good store with that script comes to.
  Error error_of_unlocking(const std::string& script) {
    const auto store = handler("base64 -w0").format(cheap_request(), SecureBytes());
    if (patience_) room_.set_patience(*patience_);
    try {
      static_cast<void>(handler(script).unlock(store.bytes, store.attributes, SecureBytes()));
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(Errc::io, "nothing was thrown");
  }
  std::string written(const std::string& name) const {
    const auto bytes = read_file(room_.path(name));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  static bool ends_soon(pid_t process) {
    const auto is_there = [&] {
      std::ifstream file("/proc/" + std::to_string(process) + "/stat");
      std::string text;
      return std::getline(file, text) && text.at(text.rfind(')') + 2) != 'Z';
    };
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (is_there() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    return !is_there();
  }

  HandlerRoom room_;
  crypt::ExternalHandlers settings_;
  std::optional<std::chrono::milliseconds> patience_;  ///< with unlocking
  std::vector<std::unique_ptr<HandlerList>> handlers_;
};

TEST_F(Command, IsToldWhatItMustKnow) {
  const std::string save = "cat >" + room_.path("request") + "; echo kept";
  const auto store = handler(save).format(cheap_request(), secret("not for it"));
  const std::string request = written("request");

  EXPECT_THAT(request,
              HasSubstr(R"({"version":1,"operation":"format","handler":"program","cipher":"aes-xts-plain64",)"
                        R"("key_size":64,"hash":"","sector_size":512,"room":4052,"key":")"));
  EXPECT_THAT(request, Not(HasSubstr("secret")));
  EXPECT_EQ(request.back(), '\n');

  EXPECT_THROW(static_cast<void>(handler(save).unlock(store.bytes, store.attributes, SecureBytes())), Error);
  EXPECT_THAT(written("request"), HasSubstr(R"("sector_size":512,"store":"a2VwdAo="})"));
}

TEST_F(Command, HasACleanEnvironmentAndNothingOfOurs) {
  ::setenv("CVM_TEST_LEAK", "leak", 1);
  const std::string script =
      "exec 3</proc/self/stat; read pid comm state ppid group session rest <&3; exec 3<&-\n"
      "{ env; ls /proc/$$/fd; echo group $(($ppid == $group)), session $(($ppid == $session)); pwd; } >" +
      room_.path("seen") + "; echo kept";

  static_cast<void>(handler(script).format(cheap_request(), SecureBytes()));

  ::unsetenv("CVM_TEST_LEAK");
  EXPECT_THAT(written("seen"),
              AllOf(HasSubstr("LC_ALL=C"), HasSubstr("PATH=/"), HasSubstr("group 1, session 1"),
                    Not(HasSubstr("CVM_TEST_LEAK")), Not(HasSubstr("HOME="))));
}

TEST_F(Command, MustGiveAKeyOfTheRightSize) {
  for (const auto& [script, said] : {std::pair{"printf short", "wrote 5 bytes, 64 were asked for"},
                                     {"true", "wrote 0 bytes, 64 were asked for"},
                                     {"head -c 65 /dev/urandom", "wrote more than the 64 bytes"},
                                     {"cat /dev/zero", "wrote more than the 64 bytes"}}) {
    const Error error = error_of_unlocking(script);

    EXPECT_EQ(error.code(), Errc::key_missing) << script;
    EXPECT_THAT(error.what(), HasSubstr(said));
  }
}

TEST_F(Command, MustGiveTheKeyOfTheStore) {
  const auto store = handler("base64 -w0").format(cheap_request(), SecureBytes());

  EXPECT_FALSE(handler("head -c 64 /dev/urandom").unlock(store.bytes, store.attributes, SecureBytes()));
}

TEST_F(Command, ThatFailsIsQuoted) {
  const Error failed = error_of_unlocking("echo first >&2; echo 'no server at tang.example' >&2; exit 1");
  const Error killed = error_of_unlocking("kill -9 $$");
  const Error deaf = error_of_unlocking("exec <&-; exit 3");

  EXPECT_EQ(failed.code(), Errc::key_missing);
  EXPECT_THAT(failed.what(),
              AllOf(HasSubstr("ended with status 1: no server at tang.example"), Not(HasSubstr("first"))));
  EXPECT_THAT(killed.what(), HasSubstr("killed by signal 9"));
  EXPECT_THAT(deaf.what(), HasSubstr("status 3"));
  EXPECT_THAT(error_of_unlocking("exit 2").what(),
              HasSubstr("status 2"));  // there is no secret that could be wrong
}

TEST_F(Command, ThatHangsIsEndedWithAllThatItStarted) {
  patience_ = std::chrono::milliseconds(2500);
  const std::string script = "sleep 1000 & echo $! >" + room_.path("child") + "; wait";
  const auto before = std::chrono::steady_clock::now();

  const Error error = error_of_unlocking(script);

  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
  EXPECT_EQ(error.code(), Errc::key_missing);
  EXPECT_THAT(error.what(), HasSubstr("within 2.5 s"));
  EXPECT_TRUE(ends_soon(std::stoi(written("child"))));
}

TEST_F(Command, GoesWithAllThatItStartedWhenWeAreKilled) {
  const std::string script = "sleep 1000 & echo $! >" + room_.path("child.new") + "; mv " +
                             room_.path("child.new") + " " + room_.path("child") + "; wait";
  const pid_t us = ::fork();
  if (us == 0) {
    try {
      static_cast<void>(handler(script).format(cheap_request(), SecureBytes()));
    } catch (const Error&) {
    }
    ::_exit(0);
  }
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!std::filesystem::exists(room_.path("child")) && std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();

  ::kill(us, SIGKILL);
  ::waitpid(us, nullptr, 0);

  EXPECT_TRUE(ends_soon(std::stoi(written("child"))));
}

TEST_F(Command, ThatComplainsWithoutAnEndIsEnded) {
  patience_ = std::chrono::milliseconds(2500);

  EXPECT_THAT(error_of_unlocking("exec yes no >&2").what(), HasSubstr("within 2.5 s"));
  // The program has ended, what it left behind goes on.
  EXPECT_THAT(error_of_unlocking("yes no >&2 & exit 3").what(), HasSubstr("ended with status 3"));
}

TEST_F(Command, LeavesNoChildBehindWhenItIsDone) {
  const std::string script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo kept";
  const auto before = std::chrono::steady_clock::now();

  static_cast<void>(handler(script).format(cheap_request(), SecureBytes()));

  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(20));
}

TEST_F(Command, MayHaveALargeStore) {
  room_.set_region(1 << 20);
  const auto store = handler("head -c 900000 /dev/zero").format(cheap_request(), SecureBytes());

  EXPECT_EQ(store.bytes.size(), 900044U);
  // It reads only the beginning of what it is told.
  EXPECT_THROW(
      static_cast<void>(
          handler("head -c 10 >/dev/null; exit 1").unlock(store.bytes, store.attributes, SecureBytes())),
      Error);
}

TEST_F(Command, IsNotRunWhereOthersCanChangeIt) {
  room_.add_program("program", "head -c 64 /dev/zero");
  ::chmod(room_.path("program").c_str(), 0777);
  const HandlerList handlers(settings_);
  try {
    static_cast<void>(handlers.at("program").format(cheap_request(), SecureBytes()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::refused);
    EXPECT_THAT(error.what(), HasSubstr("written by others"));
  }
}

TEST_F(Command, ThatIsNotThereOrNoProgramSaysSo) {
  room_.add_program("program", "true");
  const HandlerList handlers(settings_);
  const auto& handler = handlers.at("program");
  ::chmod(room_.path("program").c_str(), 0644);
  try {
    static_cast<void>(handler.format(cheap_request(), SecureBytes()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("Permission denied"));
  }
  std::filesystem::remove(room_.path("program"));
  EXPECT_THROW(static_cast<void>(handler.format(cheap_request(), SecureBytes())), Error);
}

}  // namespace
}  // namespace cv::test
