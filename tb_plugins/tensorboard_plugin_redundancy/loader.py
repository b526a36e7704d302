"""What TensorBoard imports at its start: an entry point that is light, because an error here would stop all of TensorBoard."""

from tensorboard.plugins import base_plugin

from tensorboard_plugin_redundancy import PLUGIN_NAME


class RedundancyLoader(base_plugin.TBLoader):
    """Makes the plugin, and makes TensorBoard keep every step of its series."""

    def fix_flags(self, flags):
        """Keeps all steps and reads all files of a run, unless the user said otherwise.

        TensorBoard thins series of other plugins when it reads them, to 10 steps, or to 100 with --load_fast; step 0 goes
        first. And without `reload_multifile` a file is no longer read once there is a newer one in its folder.

        >>> from argparse import Namespace
        >>> flags = Namespace(samples_per_plugin={"images": 5}, reload_multifile=None)
        >>> RedundancyLoader().fix_flags(flags)
        >>> flags
        Namespace(samples_per_plugin={'images': 5, 'redundancy': 0}, reload_multifile=True)
        """
        flags.samples_per_plugin.setdefault(PLUGIN_NAME, 0)  # 0 is all
        if flags.reload_multifile is None:
            flags.reload_multifile = True

    def load(self, context):
        """The plugin; an error here is reported, and TensorBoard goes on without it."""
        from tensorboard_plugin_redundancy.plugin import RedundancyPlugin

        return RedundancyPlugin(context)
