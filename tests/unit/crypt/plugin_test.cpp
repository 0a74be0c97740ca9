// Key handlers in shared objects that others built: what they can do, and what they can't do to us.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
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

INSTANTIATE_TEST_SUITE_P(Plugin, KeyHandlerContract,
                         ::testing::Values(HandlerCase{.handler = "sealed", .is_plugin = true},
                                           HandlerCase{.handler = "sealed",
                                                       .cipher = "aes-cbc-essiv:sha256",
                                                       .key_bits = 256,
                                                       .hash = "",
                                                       .sector_bytes = 4096,
                                                       .is_plugin = true}));

/// Keeps what is said.
class Heard final : public log::Sink {
 public:
  void line(log::Level, std::string_view text) noexcept override { text_ += std::string(text) + "\n"; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class Plugin : public ::testing::Test {
 protected:
  Plugin() : settings_(room_.settings()) {}

  const crypt::KeyHandler& handler(const std::string& name) {
    if (!std::filesystem::exists(room_.path(name + ".so"))) room_.install(name);
    if (!handlers_) handlers_ = std::make_unique<HandlerList>(settings_);
    return handlers_->at(name);
  }
  crypt::NewStore made_by(const std::string& name) {
    return handler(name).format(cheap_request(), secret("sesame"));
  }
  /// What unlocking a store of that handler comes to.
  Error error_of_unlocking(const std::string& name) {
    const std::vector<std::byte> store(4096, std::byte{7});
    try {
      static_cast<void>(handler(name).unlock(store, {}, secret("sesame")));
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(Errc::io, "nothing was thrown");
  }

  HandlerRoom room_;
  crypt::ExternalHandlers settings_;
  std::unique_ptr<HandlerList> handlers_;
};

TEST_F(Plugin, IsFoundByItsNameAndNoOther) {
  room_.install("sealed");
  const HandlerList handlers(settings_);

  EXPECT_NE(handlers.find("sealed"), nullptr);
  EXPECT_EQ(handlers.find("sealed"), handlers.find("sealed"));
  const std::string far = "../" + std::filesystem::path(room_.path("x")).parent_path().filename().string();
  for (const auto& name : {std::string("sealed.so"), std::string("./sealed"), far + "/sealed",
                           room_.path("sealed"), std::string("Sealed"), std::string(), std::string("-"),
                           std::string("other"), std::string(65, 'a'), std::string("sealed\0", 7)})
    EXPECT_EQ(handlers.find(name), nullptr) << name;
  EXPECT_EQ(HandlerList().find("sealed"), nullptr);
}

TEST_F(Plugin, OfNoFileIsNamedWithThePlaceForIt) {
  const HandlerList handlers(settings_);
  try {
    static_cast<void>(handlers.at("tpm2"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::no_handler);
    EXPECT_THAT(error.advice(), AllOf(HasSubstr("luks2"), HasSubstr("/tpm2.so")));
  }
}

TEST_F(Plugin, CannotTakeThePlaceOfAHandlerThatIsCompiledIn) {
  room_.install("sealed", "luks1");
  const HandlerList handlers(settings_);

  EXPECT_NE(handlers.at("luks1").key_slots(), nullptr);
}

TEST_F(Plugin, IsNotLoadedWhereOthersCanWriteToIt) {
  room_.install("sealed");
  for (const char* path : {"sealed.so", ""}) {
    const std::string there = room_.path(path);
    for (const unsigned mode : {0775U, 0757U}) {
      ::chmod(there.c_str(), mode);

      const Error error = error_of_unlocking("sealed").within("");

      EXPECT_EQ(error.code(), Errc::refused) << path;
      EXPECT_THAT(error.what(), HasSubstr("written by others"));
      EXPECT_THAT(error.advice(), HasSubstr("chmod"));
    }
    ::chmod(there.c_str(), 0755);
  }
}

TEST_F(Plugin, IsNotLoadedWhereItBelongsToSomebodyElse) {
  if (::getuid() == 0) {
    room_.install("sealed");
    ASSERT_EQ(::chown(room_.path("sealed.so").c_str(), 65534, 65534), 0);
    handlers_ = std::make_unique<HandlerList>(settings_);
  } else {
    settings_.owner = 0;
  }

  const HandlerList handlers(settings_);
  if (::getuid() != 0) room_.install("sealed");
  try {
    static_cast<void>(handlers.at("sealed").min_region({}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::refused);
    EXPECT_THAT(error.what(), HasSubstr("belongs to user"));
  }
}

TEST_F(Plugin, IsNotLoadedThroughALinkToAPlaceOfOthers) {
  ::mkdir(room_.path("theirs").c_str(), 0777);
  ::chmod(room_.path("theirs").c_str(), 0777);
  room_.install("sealed", "theirs/sealed");
  std::filesystem::create_symlink(room_.path("theirs/sealed.so"), room_.path("linked.so"));
  const HandlerList handlers(settings_);

  EXPECT_THROW(static_cast<void>(handlers.at("linked").min_region({})), Error);
}

TEST_F(Plugin, ThatCannotBeUsedSaysWhy) {
  for (const auto& [name, why] : {std::pair{"has-no-symbol", "no symbol cvm_key_handler_get"},
                                  {"has-other-version", "another version of the interface"},
                                  {"has-other-abi", "another version of the interface"},
                                  {"has-other-name", "the name in it is another one"},
                                  {"is-too-small", "lacks a part"},
                                  {"refuses-host", "can't work with this cvm"},
                                  {"wants-library", "of_a_library_that_is_not_there"}}) {
    const Error error = error_of_unlocking(name);

    EXPECT_EQ(error.code(), Errc::no_handler) << name;
    EXPECT_THAT(error.what(), AllOf(HasSubstr(why), HasSubstr(name)));
    EXPECT_NE(error.advice(), "");
  }
}

TEST_F(Plugin, ThatIsNoObjectSaysSo) {
  write_file(room_.path("text.so"), std::string_view("no object"));
  ::mkdir(room_.path("folder.so").c_str(), 0755);
  const HandlerList handlers(settings_);
  for (const char* name : {"text", "folder"})
    EXPECT_THROW(static_cast<void>(handlers.at(name).min_region({})), Error) << name;
}

TEST_F(Plugin, ThatCrashesIsAnErrorAndNoMore) {
  for (const auto& [name, how] :
       {std::pair{"crashes", "signal 11"}, {"crashes-early", "signal 6"}, {"disappears", "ended"}}) {
    const Error error = error_of_unlocking(name);

    EXPECT_EQ(error.code(), Errc::unsupported) << name;
    EXPECT_THAT(error.what(), AllOf(HasSubstr(name), HasSubstr(how)));
  }
  EXPECT_TRUE(handler("sealed").min_region({}) > Bytes(0));
}

TEST_F(Plugin, ThatHangsIsEnded) {
  settings_.plugin_patience = std::chrono::milliseconds(300);
  for (const char* name : {"hangs", "hangs-early"}) {
    const auto before = std::chrono::steady_clock::now();

    const Error error = error_of_unlocking(name);

    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15)) << name;
    EXPECT_THAT(error.what(), AllOf(HasSubstr(name), HasSubstr("does not answer")));
  }
}

TEST_F(Plugin, TakesItsChildrenAlong) {
  const auto store = made_by("leaves-children");
  Heard heard;
  const log::Redirect redirect(heard);

  const auto unlocked = handler("leaves-children").unlock(store.bytes, store.attributes, secret("sesame"));

  ASSERT_TRUE(unlocked);
  const auto at = heard.text().find("child ");
  ASSERT_NE(at, std::string::npos);
  const int child = std::stoi(heard.text().substr(at + 6));
  ASSERT_GT(child, 1);
  // It was killed before unlock() returned; somebody else reaps it.
  const auto state = [&]() -> char {
    std::ifstream file("/proc/" + std::to_string(child) + "/stat");
    std::string text;
    std::getline(file, text);
    return text.empty() ? 'X' : text.at(text.rfind(')') + 2);
  };
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::string_view("XZ").find(state()) == std::string_view::npos &&
         std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();
  EXPECT_THAT("XZ", HasSubstr(std::string(1, state())));
}

TEST_F(Plugin, ThatBreaksTheProtocolIsAnError) {
  EXPECT_THAT(error_of_unlocking("talks-nonsense").what(), HasSubstr("can't be understood"));
  EXPECT_THAT(error_of_unlocking("answers-nothing").what(), HasSubstr("does not say why"));
}

TEST_F(Plugin, SeesNothingButItsCall) {
  const auto store = made_by("looks-around");
  Heard heard;
  const log::Redirect redirect(heard);

  static_cast<void>(handler("looks-around").unlock(store.bytes, store.attributes, secret("sesame")));

  EXPECT_THAT(heard.text(), HasSubstr("looks-around: terminal 0, leads its group 1, size -1[31m"));
  EXPECT_THAT(heard.text(), Not(HasSubstr("descriptor")));
  EXPECT_THAT(heard.text(), Not(HasSubstr("\x1b")));
}

TEST_F(Plugin, MayAskForAPin) {
  std::string pin = "1234";
  std::vector<std::string> asked;
  settings_.plugin_patience = std::chrono::seconds(3);
  settings_.ask = [&](const std::string& prompt) -> std::optional<SecureBytes> {
    asked.push_back(prompt);
    // A person takes longer than a handler may.
    if (asked.size() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(3100));
    if (pin.empty()) return std::nullopt;
    return secret(pin);
  };
  const auto store = made_by("asks-pin");
  const auto unlock = [&] {
    return handler("asks-pin").unlock(store.bytes, store.attributes, secret("sesame"));
  };

  EXPECT_TRUE(unlock());
  EXPECT_EQ(asked, std::vector<std::string>{"PIN of the token: "});
  pin = "4321";
  EXPECT_FALSE(unlock());
  pin = "far too long for it";
  EXPECT_THROW(static_cast<void>(unlock()), Error);
  pin.clear();
  const Error error = error_of_unlocking("asks-pin");
  EXPECT_EQ(error.code(), Errc::key_missing);
  EXPECT_THAT(error.what(), HasSubstr("the token wants a PIN"));
}

TEST_F(Plugin, WithoutAWayToTellKeysGetsAKeyCheck) {
  const auto store = made_by("needs-no-secret");
  const auto& handler = handlers_->at("needs-no-secret");

  EXPECT_FALSE(handler.needs_secret());
  ASSERT_TRUE(store.attributes.key_check);
  EXPECT_EQ(handler.verify(store.bytes, store.attributes, store.key), true);
  EXPECT_EQ(handler.verify(store.bytes, store.attributes, sample_key(64)), false);
  auto damaged = store.bytes;
  damaged[0] ^= std::byte{1};
  EXPECT_TRUE(handler.unlock(store.bytes, store.attributes, SecureBytes()));
  EXPECT_FALSE(handler.unlock(damaged, store.attributes, SecureBytes()));
  EXPECT_EQ(made_by("sealed").attributes.key_check, std::nullopt);
}

TEST_F(Plugin, CannotGiveAWeakKey) {
  EXPECT_THAT(error_of_unlocking("needs-no-secret").what(), HasSubstr("equal halves"));
}

}  // namespace
}  // namespace cv::test
