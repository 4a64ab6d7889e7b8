// What the programs for classification and detection share: the release, its labels, the camera, and lines of
// JSON. Written after the vendor's published examples; their SDK releases differ in names. Not built with the
// vendor's SDK and not run on a board by us: Slipway has no copy of its toolchain.
#pragma once
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <opencv2/opencv.hpp>

namespace slipway {

static const std::string kRoot = $root;
static const std::vector<std::string> kLabels = $labels;

inline std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c >= 0x20) out += c;
    }
    return out + "\"";
}

// The label and the score of an answer, as the beginning of a JSON object.
inline std::string answer(int id, double score) {
    bool known = id >= 0 && id < static_cast<int>(kLabels.size());
    char number[40];
    std::snprintf(number, sizeof number, ", \"score\": %.4f", score);
    return "{\"label\": " + quoted(known ? kLabels[id] : std::to_string(id)) + number;
}

// Loads the current release; says so if the library refuses it.
template <typename Model>
bool load(Model &model) {
    if (model.Initialize(kRoot + "/current/model.rknn")) return true;
    std::fprintf(stderr, "The library refuses the model: is a release current?\n");
    return false;
}

// Prints the line of each picture until the camera ends; returns the exit status.
template <typename Line>
int watch(Line line) {
    cv::VideoCapture camera;
    camera.set(cv::CAP_PROP_FRAME_WIDTH, 640);  // before it is opened, multiples of 8
    camera.set(cv::CAP_PROP_FRAME_HEIGHT, 480);
    if (!camera.open(0)) {
        std::fprintf(stderr, "The camera cannot be opened: is another program using it?\n");
        return 1;
    }
    for (cv::Mat picture; camera.read(picture);) {
        if (picture.empty()) continue;
        std::printf("%s\n", line(picture).c_str());
        std::fflush(stdout);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    std::fprintf(stderr, "The camera gives no pictures any more.\n");
    return 1;
}

}  // namespace slipway
