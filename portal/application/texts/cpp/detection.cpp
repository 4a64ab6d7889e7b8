// Detects what the camera of a Lockzhiner Vision Module sees: one line of JSON for each picture.
// Written after the vendor's published examples; their SDK releases differ in names. Not built or run on a
// board by us: Slipway has no copy of the vendor's toolchain.
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <lockzhiner_vision_module/vision/deep_learning/detection/paddle_det.h>
#include <opencv2/opencv.hpp>

static const std::string kRoot = $root;
static const std::vector<std::string> kLabels = $labels;

static std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c >= 0x20) out += c;
    }
    return out + "\"";
}

int main() {
    lockzhiner_vision_module::vision::PaddleDet model;
    if (!model.Initialize(kRoot + "/current/model.rknn")) {
        std::fprintf(stderr, "The library refuses the model: is a release current?\n");
        return 1;
    }
    model.SetThreshold($score, 0.6);  // boxes from this score on; overlap of boxes of one class
    cv::VideoCapture camera;
    camera.set(cv::CAP_PROP_FRAME_WIDTH, 640);  // before it is opened, multiples of 8
    camera.set(cv::CAP_PROP_FRAME_HEIGHT, 480);
    if (!camera.open(0)) {
        std::fprintf(stderr, "The camera cannot be opened: is another program using it?\n");
        return 1;
    }
    for (cv::Mat picture; camera.read(picture);) {
        if (picture.empty()) continue;
        std::string line;
        for (const auto &one : model.Predict(picture)) {
            auto known = one.label_id >= 0 && one.label_id < static_cast<int>(kLabels.size());
            auto label = known ? kLabels[one.label_id] : std::to_string(one.label_id);
            char rest[120];
            std::snprintf(rest, sizeof rest, ", \"score\": %.4f, \"box\": [%d, %d, %d, %d]}", one.score, one.box.x,
                          one.box.y, one.box.width, one.box.height);
            line += (line.empty() ? "" : ", ") + ("{\"label\": " + quoted(label)) + rest;
        }
        std::printf("{\"boxes\": [%s]}\n", line.c_str());
        std::fflush(stdout);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    std::fprintf(stderr, "The camera gives no pictures any more.\n");
    return 1;
}
