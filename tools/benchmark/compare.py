"""Lines that are one load on several servers, which take turns in each round."""
from .processes import processor_s


class LoadLine:
    """`words` are flare-bench's beyond those of the shape of keys and values, which is filled before."""

    def __init__(self, name, title, words, contenders, shape=(), figures=("us", "ops"), connections=None, compared=None):
        self.name = name
        self.title = title
        self.words = list(words)
        self.contenders = list(contenders)
        self.shape = list(shape)
        self.figures = figures
        self.compared = compared or figures[0]  # the figure whose ratio is shown
        self.connections = connections

    def _shape_words(self):
        return self.shape or ["--keys", 100_000, "--key-prefix", "b"]

    def _words(self, bank):
        return [*self._shape_words(), *self.words, "--connections", self.connections or bank.connections]

    def command(self, bank):
        return "flare-bench " + " ".join(str(word) for word in self._words(bank))

    def prepare(self, bank):
        for contender in self.contenders:
            bank.fill(contender, self._shape_words())

    def round(self, bank, number, seconds):
        turn = number % len(self.contenders)  # nobody is always first
        found = {}
        for contender in self.contenders[turn:] + self.contenders[:turn]:
            found[contender] = self._measure(bank, contender, seconds)
        return found

    def _measure(self, bank, contender, seconds):
        target = bank.target(contender)
        before = sum(processor_s(pid) for pid in target.pids())
        result = bank.run(contender, self._words(bank), seconds)
        if target.settle:  # what a slave does later belongs to the writes too
            target.settle()
            spent_us = 1e6 * (sum(processor_s(pid) for pid in target.pids()) - before)
            result["servers_us_per_request"] = spent_us / result["requests"]
            result["servers_us_per_key"] = spent_us / result["keys"]
        return figures_of(result)


def figures_of(result):
    """The figures of one run of flare-bench, by the names of the table."""
    times = result["all"]
    return {"us": result["servers_us_per_request"], "us/key": result["servers_us_per_key"],
            "ops": result["requests_per_s"], "p50 us": times["p50_us"], "p99 us": times["p99_us"],
            "p99.9 us": times["p99.9_us"], "max us": times["max_us"], "own us": result["own_us_per_request"]}
