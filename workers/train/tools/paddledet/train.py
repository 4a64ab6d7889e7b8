"""Train a detector with the suite in the working directory."""

import adapt
from workers.contract.ties import tie_forks
from workers.train.decoded import decoded_kept
from workers.train.launching import use_kernels


def main() -> None:
    adapt.prepare()
    config, arguments = adapt.read_arguments()

    import checkpoints
    from ppdet.engine import Trainer, init_parallel_env, set_random_seed, trainer
    from workers.train.methods import paddledet as methods

    tie_forks()
    init_parallel_env()
    set_random_seed(config["seed"])
    if not config["use_gpu"]:
        use_kernels()
    trainer.Checkpointer = checkpoints.Checkpointer
    training = Trainer(config, mode="train")
    training.register_callbacks([checkpoints.Reporter(training), *methods.callbacks(training, config)])
    loaded = methods.prepare(training, config, arguments.resume)
    if arguments.resume:
        checkpoints.resume(training, arguments.resume)
    elif config.get("pretrain_weights") and not loaded:
        training.load_weights(config["pretrain_weights"])
    with decoded_kept():
        training.train(validate=True)


if __name__ == "__main__":
    main()
