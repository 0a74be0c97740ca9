// Whole commands in this process: on files in a folder of their own, without a kernel's help, with a person
// who answers from a list.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

#include <unistd.h>

#include "activate/dm_mapper.h"
#include "activate/mapper.h"
#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "tests/support/fake_mapper.h"
#include "tests/support/memory_keyring.h"
#include "tests/support/scripted_console.h"
#include "tests/support/temp_dir.h"
#include "tools/program.h"

namespace cv::test {

struct Outcome {
  int status = 0;
  std::string id;        ///< of the error; empty: none
  std::string error;     ///< sentence and advice
  std::string output;    ///< standard output
  std::string messages;  ///< standard error
};

class Workshop {
 public:
  Workshop() {
    write_file(folder_.path("lvm.conf"),
               std::string_view(fmt::format("global {{ locking_dir = \"{}\" }}\n", folder_.path("locks"))));
  }

  /// An empty file that stands for a disk.
  std::string disk(const std::string& name, std::size_t mebibytes = 64) {
    const auto path = folder_.path(name);
    write_file(path, std::string_view());
    std::filesystem::resize_file(path, mebibytes << 20);
    disks_ += (disks_.empty() ? "" : ",") + path;
    return path;
  }
  std::string path(const std::string& name) const { return folder_.path(name); }
  /// The other disks are gone.
  void look_only_at(const std::string& path) { disks_ = path; }
  ScriptedConsole& console() { return console_; }
  /// The directory of plugins; they belong to who runs the test.
  void take_plugins_from(const std::string& path) { plugin_dir_ = path; }
  /// The configuration of programs that are key handlers.
  void take_handlers_from(const std::string& path) { handlers_conf_ = path; }

  /// "cvm COMMAND --devices ... WORDS"; with device-mapper where there is a mapper.
  Outcome run(std::vector<std::string> words, tools::Format format = tools::Format::basic) {
    words.insert(words.begin(), "cvm");
    if (!disks_.empty()) words.insert(words.begin() + 2, {"--devices", disks_});
    Outcome outcome;
    const CHandle<std::FILE, std::fclose> out(std::fopen(folder_.path("stdout").c_str(), "w"));
    const CHandle<std::FILE, std::fclose> err(std::fopen(folder_.path("stderr").c_str(), "w"));
    tools::MessageSink sink(fileno(err.get()));
    const log::Redirect redirect(sink);
    tools::Output output(fileno(out.get()), format);
    try {
      tools::run_command(words, host(output), sink);
      output.finish(nullptr);
    } catch (const Error& error) {
      outcome.status = exit_status(error.code());
      outcome.id = error_id(error.code());
      outcome.error = std::string(error.what()) + " | " + error.advice();
      output.finish(&error);
    }
    outcome.output = text_of("stdout");
    outcome.messages = text_of("stderr");
    return outcome;
  }

  std::vector<std::byte> bytes(const std::string& name) const { return read_file(folder_.path(name)); }
  /// What the last mapper was asked for.
  const activate::NodeSettings& node_settings() const { return node_settings_; }

 private:
  tools::Host host(tools::Output& output) {
    tools::Host host;
    host.console = &console_;
    host.output = &output;
    host.make_mapper = [this](const activate::NodeSettings& settings) {
      node_settings_ = settings;
      return activate::absent_mapper();
    };
    host.make_keyring = [] { return std::make_unique<MemoryKeyring>(); };
    host.lvm_system_dir = folder_.path("");
    host.lvm_run_dir = folder_.path("run-lvm");
    host.run_dir = folder_.path("run-cvm");
    host.plugin_dir = plugin_dir_;
    host.handlers_conf = handlers_conf_;
    host.handler_owner = ::getuid();
    return host;
  }
  std::string text_of(const std::string& name) const {
    const auto content = bytes(name);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
  }

  TempDir folder_;
  std::string disks_;
  activate::NodeSettings node_settings_;
  std::string plugin_dir_;
  std::string handlers_conf_;
  ScriptedConsole console_;
};

}  // namespace cv::test
