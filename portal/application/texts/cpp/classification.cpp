// Classifies what the camera of a Lockzhiner Vision Module sees: one line of JSON for each picture.
#include "slipway_app.h"

#include <lockzhiner_vision_module/vision/deep_learning/classification/paddle_clas.h>

int main() {
    lockzhiner_vision_module::vision::PaddleClas model;
    if (!slipway::load(model)) return 1;
    return slipway::watch([&model](cv::Mat &picture) {
        auto found = model.Predict(picture);
        return slipway::answer(found.label_id, found.score) + "}";
    });
}
